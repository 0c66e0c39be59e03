"""What a key provider answers is believed only as far as it answers what was asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

import pytest

from drm.cpix import Identity, Recipients
from drm.http_client import HttpAnswer
from drm.key_provider import KeyProviderFailed, keys_of_tiers
from packager.model import Kid, Scheme
from packager.pssh import System, read_box
from tests.support.certificates import rsa_pair
from tests.support.speke_provider import IV, URL, Provider

KEY = b"0123456789abcdef"


@pytest.mark.parametrize("version", ["2.0", "2.1"])
@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC])
async def test_a_key_and_what_systems_are_told(version: str, scheme: Scheme) -> None:
    provider = Provider()
    found = await provider.client(version=version, token=lambda: "secret").key("t/a", scheme)
    assert found.key.key == found.key.kid.value[::-1]
    assert len(found.key.iv) == (16 if scheme is Scheme.CBCS else 8)
    assert found.signaling.widevine is not None
    assert found.signaling.playready is not None
    assert b"vendor" in read_box(found.signaling.widevine).data
    assert provider.asked[0]["Authorization"] == "Bearer secret"
    assert b'contentId="t/a"' in provider.bodies[0]
    if scheme is Scheme.CBCS:
        assert found.key.iv == IV
        assert found.signaling.fairplay == f"skd://{found.key.kid.hex}"
    else:
        assert found.signaling.fairplay is None


async def test_no_secret_shows_in_a_repr() -> None:
    client = Provider().client(token=lambda: "secret")
    assert "secret" not in repr(client)
    assert repr(KEY) not in repr(await Provider(fixed_key=KEY).client().key("t", Scheme.CBCS))


async def test_fairplay_alone_has_no_key_for_cenc() -> None:
    with pytest.raises(KeyProviderFailed, match="Widevine and PlayReady only"):
        await Provider().client(systems=(System.FAIRPLAY,)).key("t", Scheme.CENC)


async def test_every_tier_is_a_content_with_a_key_of_its_own() -> None:
    provider = Provider()
    found = await keys_of_tiers(provider.client(), "track", ("free", "lossless"), Scheme.CBCS)
    assert list(found) == ["free", "lossless"]
    assert found["free"].key.key != found["lossless"].key.key
    assert found["free"].key.kid != found["lossless"].key.kid
    ids = {re.findall(rb'contentId="([^"]*)"', body)[0] for body in provider.bodies}
    assert ids == {b"track/free", b"track/lossless"}


async def test_one_key_for_two_tiers_is_refused() -> None:
    with pytest.raises(KeyProviderFailed, match="two tiers got one key"):
        await keys_of_tiers(Provider(fixed_key=KEY).client(), "t", ("a", "b"), Scheme.CBCS)


async def test_keys_come_encrypted_where_that_was_asked_for() -> None:
    pair = rsa_pair()
    identity = Identity.from_pem(pair.pem, pair.key_pem)
    known = Recipients([pair.certificate], minimum_bits=2048)
    client = Provider(recipients=known).client(identity=identity)
    found = await client.key("t", Scheme.CBCS)
    assert found.key.key == found.key.kid.value[::-1]


async def test_a_key_in_the_clear_is_refused_where_it_was_to_be_encrypted() -> None:
    """Somebody in between took the certificate out of the request."""
    pair = rsa_pair()
    identity = Identity.from_pem(pair.pem, pair.key_pem)

    class Stripping(Provider):
        async def request(
            self,
            method: str,
            url: str,
            headers: Mapping[str, str],
            body: bytes | None,
            timeout_s: float,
        ) -> HttpAnswer:
            bare = re.sub(rb"<cpix:DeliveryDataList>.*</cpix:DeliveryDataList>", b"", body or b"")
            return await super().request(method, url, headers, bare, timeout_s)

    with pytest.raises(KeyProviderFailed, match="a key is not encrypted"):
        await Stripping().client(identity=identity).key("t", Scheme.CBCS)


def exchange(old: str, new: str) -> Callable[[bytes], bytes]:
    def spoil(body: bytes) -> bytes:
        text = re.sub(old, new, body.decode(), flags=re.DOTALL)
        assert text != body.decode()
        return text.encode()

    return spoil


OTHER = str(Kid(bytes(16)))
UUID = "[0-9a-f-]{36}"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda _: b"", "not well-formed"),
        (lambda body: b"<!DOCTYPE x>" + body, "not well-formed|document type"),
        (exchange("</cpix:CPIX>", ""), "not well-formed"),
        (exchange(' kid="[^"]*"', f' kid="{OTHER}"'), "not the key that was asked for"),
        (exchange('contentId="t"', 'contentId="u"'), "another content or version"),
        (exchange('version="2.3"', 'version="2.4"'), "another content or version"),
        (exchange('Scheme="cbcs"', 'Scheme="cenc"'), "another scheme"),
        (exchange("<cpix:Data>.*</cpix:Data>", ""), "it has no key"),
        (exchange("PlainValue>[^<]*<", "PlainValue>AAAAAAAAAAAAAAAAAAAAAA==<"), "it has no key"),
        (exchange("PlainValue>[^<]*<", "PlainValue>AAAA<"), "not 16 bytes"),
        (exchange("<cpix:PSSH>[^<]*<", "<cpix:PSSH>AAAA<"), "PSSH for WIDEVINE is not one"),
        (exchange(r"<cpix:PSSH>[^<]*</cpix:PSSH>", ""), "PSSH for WIDEVINE is not one"),
        (exchange(f'systemId="{System.WIDEVINE.value}"', f'systemId="{OTHER}"'), "says nothing"),
        (
            exchange(">[^<]*</cpix:HLSSignalingData>", "></cpix:HLSSignalingData>"),
            "no skd URI",
        ),
    ],
)
async def test_an_answer_that_is_none_is_refused(
    spoil: Callable[[bytes], bytes], problem: str
) -> None:
    with pytest.raises(KeyProviderFailed, match=problem) as caught:
        await Provider(spoil=spoil).client().key("t", Scheme.CBCS)
    assert str(caught.value).startswith(f"key provider {URL}: its answer is not one")


@pytest.mark.parametrize(
    ("status", "body", "tries", "problem"),
    [
        (401, b"", 1, "status 401$"),
        (422, b"Missing CPIX@contentId\n\x00", 1, "status 422: Missing CPIX@contentId$"),
        (302, b"x" * 1000, 1, f"status 302: {'x' * 200}$"),
        (500, b"", 3, "status 500$"),
        (503, b"", 3, "status 503$"),
    ],
)
async def test_a_refusal_is_told_and_a_weak_moment_outlived(
    status: int, body: bytes, tries: int, problem: str
) -> None:
    provider = Provider(change=lambda _: HttpAnswer(status, {}, body))
    with pytest.raises(KeyProviderFailed, match=problem):
        await provider.client().key("t", Scheme.CBCS)
    assert len(provider.bodies) == tries
    assert len(set(provider.bodies)) == 1  # the same request, so the same key


async def test_no_answer_is_tried_again() -> None:
    answers = iter([False, True])
    provider = Provider(change=lambda answer: answer if next(answers) else None)
    assert (await provider.client().key("t", Scheme.CBCS)).key.iv == IV
    silent = Provider(change=lambda _: None)
    with pytest.raises(KeyProviderFailed, match="no answer within 10 s"):
        await silent.client().key("t", Scheme.CBCS)
    assert len(silent.bodies) == 3


async def test_a_provider_of_another_version_is_refused() -> None:
    provider = Provider(change=lambda answer: HttpAnswer(200, {}, answer.body))
    with pytest.raises(KeyProviderFailed, match=r"does not speak SPEKE 2\.0"):
        await provider.client().key("t", Scheme.CBCS)


async def test_calls_may_be_concurrent() -> None:
    client = Provider().client()
    found = await asyncio.gather(*(client.key("t", Scheme.CBCS) for _ in range(5)))
    assert len({one.key.kid for one in found}) == 5

"""Others' packagers get keys from us. SPEKE 2.0 and 2.1 over a real socket."""

from __future__ import annotations

import asyncio
import io
import json
from base64 import b64encode
from dataclasses import replace

import aiohttp
import pytest

from catalog import external_keys
from drm.cpix import Document, Identity, Recipients, read
from origin.routes.speke import PATH
from origin.state import STATE
from tests.http.conftest import Origin
from tests.support.certificates import rsa_pair
from tests.support.speke_requests import (
    FAIRPLAY,
    MIXES,
    PLAYREADY,
    PRESETS,
    WIDEVINE,
    request,
)


def headers(origin: Origin, *scopes: str, version: str | None = "2.0") -> dict[str, str]:
    token = origin.deps.access_tokens.mint("packager", "-", 60, scopes=scopes or ("speke:keys",))
    found = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"}
    return found if version is None else {**found, "X-Speke-Version": version}


async def post(
    origin: Origin, body: bytes, given: dict[str, str] | None = None
) -> tuple[aiohttp.ClientResponse, bytes]:
    sent = headers(origin) if given is None else given
    async with origin.client.post(
        origin.url + PATH, data=io.BytesIO(body), headers=sent
    ) as response:
        assert response.headers["Cache-Control"] == "no-store"
        return response, await response.read()


async def keys(origin: Origin, body: bytes, version: str = "2.0") -> Document:
    response, data = await post(origin, body, headers(origin, version=version))
    assert response.status == 200, data
    return read(data)


def values(document: Document) -> dict[str, tuple[bytes | None, bytes | None]]:
    return {str(one.kid): (one.key, one.explicit_iv) for one in document.keys}


@pytest.mark.parametrize(("speke", "cpix"), [("2.0", "2.3"), ("2.1", "2.4")])
async def test_the_headers_of_an_answer(origin: Origin, speke: str, cpix: str) -> None:
    response, data = await post(origin, request(version=cpix), headers(origin, version=speke))
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert response.headers["X-Speke-Version"] == speke
    assert response.headers["X-Speke-User-Agent"].startswith("headwater/")
    assert read(data).version.value == cpix


async def test_presets_and_mixes(origin: Origin) -> None:
    """Each preset with some mix, each mix with some preset; the logic's tests have them all."""
    seen: set[bytes | None] = set()
    for number, (preset, types) in enumerate(PRESETS.items()):
        body = request(types, MIXES[number % len(MIXES)], content_id=preset)
        document = await keys(origin, body)
        found = [one.key for one in document.keys]
        assert len(set(found)) == len(types)
        assert None not in found
        assert seen.isdisjoint(found)
        seen.update(found)


async def test_the_same_request_gets_the_same_keys(origin: Origin) -> None:
    body = request(("SD", "HD", "AUDIO"), (WIDEVINE, FAIRPLAY))
    first = values(await keys(origin, body))
    assert values(await keys(origin, body)) == first
    # Also with other systems, and where more keys are asked for.
    more = request(("SD", "HD", "UHD", "AUDIO"), (PLAYREADY, FAIRPLAY))
    assert values(await keys(origin, more)).items() > first.items()


async def test_requests_at_once_get_one_key(origin: Origin) -> None:
    body = request(("AUDIO",), (FAIRPLAY,))
    documents = await asyncio.gather(*(keys(origin, body) for _ in range(12)))
    assert len({next(iter(values(one).values())) for one in documents}) == 1


async def test_other_contents_schemes_and_tenants_have_other_keys(origin: Origin) -> None:
    """Even for one KID: a key is never shared."""
    first = await keys(origin, request(("AUDIO",)))
    renamed = request(("AUDIO",)).replace(b'"test_case"', b'"another"')
    other = await keys(origin, renamed)
    cbcs = await keys(origin, request(("AUDIO",), scheme="cbcs"))
    assert {one.keys[0].kid for one in (first, other, cbcs)} == {first.keys[0].kid}
    assert len({one.keys[0].key for one in (first, other, cbcs)}) == 3


async def test_no_key_of_a_track_is_given(origin: Origin) -> None:
    """Whoever knows a track's KID gets a key of that name, and not the track's."""
    track = origin.house.keys["lossless"]
    asked = request(("AUDIO",), (FAIRPLAY,), content_id="t")
    kid = str(read(asked).keys[0].kid).encode()
    document = await keys(origin, asked.replace(kid, str(track.kid).encode()))
    assert document.keys[0].kid == track.kid
    assert document.keys[0].key != track.key


async def test_keys_rest_wrapped(origin: Origin) -> None:
    document = await keys(origin, request(("AUDIO",), (FAIRPLAY,)))
    async with origin.deps.catalog.connect() as tx:
        rows = await external_keys.of_content(
            tx, "default", "test_case", "cbcs", [document.keys[0].kid.value]
        )
    key = document.keys[0].key or b""
    assert key not in rows[0].wrapped
    opened = await origin.deps.keyring.unwrap(rows[0])
    assert (opened.key, opened.iv) == (key, document.keys[0].explicit_iv)


async def test_the_packagers_iv_is_kept(origin: Origin) -> None:
    iv = b64encode(b"\xff" * 16).decode()
    body = request(("AUDIO",), (FAIRPLAY,), key_attributes=f'explicitIV="{iv}"')
    for one in (body, request(("AUDIO",), (FAIRPLAY,))):
        assert (await keys(origin, one)).keys[0].explicit_iv == b"\xff" * 16
    response, data = await post(origin, body.replace(iv.encode(), b64encode(bytes(16))))
    assert response.status == 422
    assert "another ContentKey@explicitIV" in json.loads(data)["detail"]


def delivery(der: bytes) -> str:
    return (
        "<cpix:DeliveryDataList><cpix:DeliveryData><cpix:DeliveryKey><ds:X509Data>"
        f"<ds:X509Certificate>{b64encode(der).decode()}</ds:X509Certificate></ds:X509Data>"
        "</cpix:DeliveryKey></cpix:DeliveryData></cpix:DeliveryDataList>"
    )


async def test_keys_for_a_known_certificate_are_encrypted(origin: Origin) -> None:
    pair = rsa_pair()
    state = origin.runner.app[STATE]
    recipients = Recipients([pair.certificate], minimum_bits=2048)
    state.deps = replace(state.deps, recipients=recipients)
    plain = values(await keys(origin, request()))
    _, data = await post(origin, request(deliveries=delivery(pair.der)))
    assert b"PlainValue" not in data
    opened = Identity.from_pem(pair.pem, pair.key_pem).open(read(data))
    assert values(opened) == plain


async def test_keys_are_not_encrypted_to_a_stranger(origin: Origin) -> None:
    response, data = await post(origin, request(deliveries=delivery(rsa_pair().der)))
    assert response.status == 422
    assert json.loads(data)["detail"] == "the recipient's certificate is not on the list"


@pytest.mark.parametrize(
    ("body", "version", "status", "detail"),
    [
        (request(), None, 422, "Unsupported SPEKE version"),
        (request(), "1.0", 422, "Unsupported SPEKE version"),
        (request(version="2.4"), "2.0", 422, "Unsupported CPIX@version"),
        (request().replace(b' contentId="test_case"', b""), "2.0", 422, "Missing CPIX@contentId"),
        (request().replace(b' version="2.3"', b""), "2.0", 422, "Missing CPIX@version"),
        (
            request(("ALL",)).replace(b'commonEncryptionScheme="cenc"', b""),
            "2.0",
            422,
            "Missing ContentKey@commonEncryptionScheme for KID "
            + str(read(request(("ALL",))).keys[0].kid),
        ),
        (
            request(systems=(FAIRPLAY,)).replace(b'"cbcs"', b'"cenc"'),
            "2.0",
            422,
            "Non compliant ContentKey@commonEncryptionScheme combination",
        ),
        (b"", "2.0", 400, "the document is not well-formed XML"),
        (b"b'<?xml?>'", "2.0", 400, "the document is not well-formed XML"),
        (b"<!DOCTYPE a><a/>", "2.0", 400, "a document type declaration is not allowed"),
        (b"<a>" + b" " * (1 << 20) + b"</a>", "2.0", 413, "The body may have 1048576 bytes."),
        (b"<a>" + b" " * (2 << 20) + b"</a>", "2.0", 413, "The body may have 1048576 bytes."),
    ],
)
async def test_refusals(
    origin: Origin, body: bytes, version: str | None, status: int, detail: str
) -> None:
    response, data = await post(origin, body, headers(origin, version=version))
    problem = json.loads(data)
    assert (response.status, problem["detail"]) == (status, detail)
    assert problem["status"] == status
    assert problem["reason"]


async def test_only_xml_is_read(origin: Origin) -> None:
    for content_type, status in (
        ("application/json", 415),
        ("application/octet-stream", 415),
        ("text/xml; charset=utf-8", 200),
        ("Application/XML", 200),
    ):
        given = {**headers(origin), "Content-Type": content_type}
        assert (await post(origin, request(), given))[0].status == status


async def test_a_token_with_the_scope_is_needed(origin: Origin) -> None:
    given = headers(origin)
    anonymous = {name: text for name, text in given.items() if name != "Authorization"}
    response, data = await post(origin, request(), anonymous)
    assert (response.status, json.loads(data)["reason"]) == (401, "token-missing")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    for subscription in ("free", "premium"):
        listener = {**given, **origin.access(subscription)}
        response, data = await post(origin, request(), listener)
        assert (response.status, json.loads(data)["reason"]) == (403, "scope-missing")
    response, data = await post(origin, request(), headers(origin, "speke:other"))
    assert (response.status, json.loads(data)["reason"]) == (403, "scope-missing")
    response, data = await post(origin, request(), {**given, "Authorization": "Bearer x.y.z"})
    assert (response.status, json.loads(data)["reason"]) == (401, "token-invalid")


async def test_a_packagers_token_plays_nothing(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/playback/{origin.house.package.track_id}"
    async with origin.client.post(url, headers=headers(origin)) as response:
        assert response.status == 403


async def test_the_heartbeat(origin: Origin) -> None:
    async with origin.client.get(origin.url + PATH) as response:
        assert response.status == 200
        assert "statusMessage" in await response.json()
    async with origin.client.put(origin.url + PATH) as response:
        assert response.status == 405

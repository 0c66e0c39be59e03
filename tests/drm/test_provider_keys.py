"""When the provider is asked for its keys, and how often not. Over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drm.errors import IdentityProviderAway, InvalidToken
from drm.jwks import ALGORITHMS
from drm.provider_keys import ProviderKeys
from origin.outbound import OutboundClient
from tests.support.certificates import server_pair
from tests.support.clock import Clock
from tests.support.identity_provider import IdentityProvider, ec_signer, okp_signer

OLD, NEW = ("ec-1", "ES256"), ("ed-1", "EdDSA")
STALE_S = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    async with IdentityProvider(ec_signer()).running() as running:
        yield running


@pytest.fixture
async def keys(provider: IdentityProvider, clock: Clock) -> AsyncIterator[ProviderKeys]:
    async with OutboundClient() as http:
        opened = ProviderKeys(http, provider.url, ALGORITHMS, stale_s=STALE_S, clock=clock)
        yield opened
        await opened.close()


async def is_asked(provider: IdentityProvider) -> None:
    """Wait for a fetch that no caller waits for."""
    async with asyncio.timeout(5):
        await provider.reached.wait()


async def test_keys_are_asked_for_once_and_kept(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    first = await keys.key(OLD)
    clock.now_s += 400
    assert await keys.key(OLD) is first
    assert provider.asked == 1


async def test_a_hundred_callers_share_one_fetch(
    provider: IdentityProvider, keys: ProviderKeys
) -> None:
    found = await asyncio.gather(*(keys.key(OLD) for _ in range(100)))
    assert len(set(map(id, found))) == 1
    assert provider.asked == 1


async def test_the_provider_says_how_long_within_bounds(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    for control, before, after in (
        ("public, max-age=300", 239, 301),
        ("max-age=1", 47, 61),  # 60 s at least
        ("max-age=999999", 719, 901),  # 15 minutes at most
        ("no-cache", 479, 601),
    ):
        provider.headers = {"Cache-Control": control}
        clock.now_s += 10_000
        await keys.key(OLD)
        asked = provider.asked
        clock.now_s += before
        await keys.key(OLD)
        assert provider.asked == asked, control
        clock.now_s += after - before
        await keys.key(OLD)
        assert provider.asked == asked + 1, control


async def test_before_their_age_they_are_fetched_while_nobody_waits(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.key(OLD)
    provider.reached.clear()
    provider.hold = asyncio.Event()
    clock.now_s += 500
    for _ in range(10):
        await keys.key(OLD)
    provider.hold.set()
    await is_asked(provider)
    assert provider.asked == 2


async def test_rotation_a_new_key_is_found_and_an_old_one_ends(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.key(OLD)
    clock.now_s += 31
    provider.publish(ec_signer(), okp_signer())
    assert (await keys.key(NEW)).algorithm == "EdDSA"
    await keys.key(OLD)
    provider.publish(okp_signer())
    clock.now_s += 601
    with pytest.raises(InvalidToken, match="unknown key"):
        await keys.key(OLD)
    await keys.key(NEW)
    assert provider.asked == 3


async def test_unknown_keys_make_no_storm(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.key(OLD)
    for number in range(200):
        with pytest.raises(InvalidToken):
            await keys.key((f"made-up-{number}", "RS256"))
    assert provider.asked == 1
    clock.now_s += 31
    await asyncio.gather(
        *(keys.key((f"made-up-{number}", "RS256")) for number in range(200)),
        return_exceptions=True,
    )
    assert provider.asked == 2


async def test_other_algorithms_are_never_asked_for(
    provider: IdentityProvider, keys: ProviderKeys
) -> None:
    for algorithm in ("none", "HS256", "RS512", "ES384", ""):
        with pytest.raises(InvalidToken, match="algorithm"):
            await keys.key(("ec-1", algorithm))
    assert provider.asked == 0


async def test_the_same_name_with_another_algorithm_is_unknown(keys: ProviderKeys) -> None:
    await keys.key(OLD)
    with pytest.raises(InvalidToken, match="unknown key"):
        await keys.key((OLD[0], "RS256"))


async def test_while_it_is_down_its_last_keys_are_used_but_not_for_ever(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.key(OLD)
    provider.status = 503
    clock.now_s += 600 + STALE_S - 1
    await keys.key(OLD)
    with pytest.raises(IdentityProviderAway):  # nobody can say that it is not one of its keys
        await keys.key(NEW)
    asked = provider.asked
    for _ in range(20):
        await keys.key(OLD)
    assert provider.asked == asked  # left alone for some seconds
    clock.now_s += 6
    with pytest.raises(IdentityProviderAway):
        await keys.key(OLD)
    assert provider.asked == asked + 1
    provider.status = 200
    clock.now_s += 6
    await keys.key(OLD)


async def test_while_it_hangs_nobody_waits_who_has_a_key_that_counts(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.key(OLD)
    provider.status = 503
    clock.now_s += 700
    await keys.key(OLD)  # whoever finds that it is away
    provider.hold = asyncio.Event()
    provider.reached.clear()
    for _ in range(20):
        clock.now_s += 6
        async with asyncio.timeout(1):
            await keys.key(OLD)
    await is_asked(provider)
    assert provider.asked == 3  # one more, which is still held


async def test_before_the_first_keys_nothing_can_be_said(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock
) -> None:
    provider.status = 500
    for _ in range(20):
        with pytest.raises(IdentityProviderAway):
            await keys.key(OLD)
    assert provider.asked == 1
    provider.status = 200
    clock.now_s += 6
    await keys.key(OLD)


@pytest.mark.parametrize("body", [b"<html>", b'{"keys":[]}', b" " * (5 << 20)])
async def test_a_bad_answer_takes_no_key_away(
    provider: IdentityProvider, keys: ProviderKeys, clock: Clock, body: bytes
) -> None:
    await keys.key(OLD)
    provider.body = body
    clock.now_s += 601
    await keys.key(OLD)
    assert provider.asked == 2


async def test_redirects_are_not_followed(provider: IdentityProvider, keys: ProviderKeys) -> None:
    provider.status, provider.headers = 302, {"Location": provider.url + "?again"}
    with pytest.raises(IdentityProviderAway):
        await keys.key(OLD)
    assert provider.asked == 1


async def test_nobody_listens() -> None:
    async with OutboundClient() as http:
        keys = ProviderKeys(http, "http://127.0.0.1:9/jwks.json", ALGORITHMS)
        with pytest.raises(IdentityProviderAway):
            await keys.key(OLD)
        await keys.close()


async def test_over_https_only_from_a_server_that_is_trusted(tmp_path: Path) -> None:
    pair = server_pair()
    (tmp_path / "chain.pem").write_bytes(pair.pem + pair.key_pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "chain.pem")
    trust = ssl.create_default_context(cadata=pair.pem.decode())
    async with (
        IdentityProvider(ec_signer()).running(context) as provider,
        OutboundClient() as suspicious,
        OutboundClient(trust) as trusting,
    ):
        assert provider.url.startswith("https://")
        keys = ProviderKeys(suspicious, provider.url, ALGORITHMS)
        with pytest.raises(IdentityProviderAway):
            await keys.key(OLD)
        assert provider.asked == 0
        clock = Clock()
        keys = ProviderKeys(trusting, provider.url, ALGORITHMS, clock=clock)
        await keys.key(OLD)
        provider.publish(okp_signer())
        clock.now_s += 601
        await keys.key(NEW)
        with pytest.raises(InvalidToken):
            await keys.key(OLD)


async def test_closing_stops_a_fetch(provider: IdentityProvider, keys: ProviderKeys) -> None:
    provider.hold = asyncio.Event()
    waiting = asyncio.create_task(keys.key(OLD))
    await is_asked(provider)
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting

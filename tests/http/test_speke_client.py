"""Our client and our server over a socket: what a packager of ours would see of a vendor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drm.cpix import Identity, Recipients
from drm.key_provider import KeyProviderFailed, keys_of_tiers
from drm.speke_client import SpekeClient
from origin.outbound import OutboundClient
from origin.routes.speke import PATH
from origin.state import STATE
from packager.model import Scheme
from packager.pssh import System
from tests.http.conftest import Origin
from tests.support.certificates import rsa_pair

ALL = (System.WIDEVINE, System.PLAYREADY, System.FAIRPLAY)


@pytest.mark.parametrize("version", ["2.0", "2.1"])
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC])
async def test_keys_of_every_tier(
    origin: Origin, version: str, scheme: Scheme, *, encrypted: bool
) -> None:
    pair = rsa_pair()
    state = origin.runner.app[STATE]
    recipients = Recipients([pair.certificate], minimum_bits=2048)
    state.deps = replace(state.deps, recipients=recipients)
    identity = Identity.from_pem(pair.pem, pair.key_pem) if encrypted else None
    token = origin.deps.access_tokens.mint("packager", "-", 60, scopes=["speke:keys"])
    async with OutboundClient() as http:
        client = SpekeClient(
            http, origin.url + PATH, version, ALL, token=lambda: token, identity=identity
        )
        found = await keys_of_tiers(client, "track", ("free", "premium"), scheme)
        again = await keys_of_tiers(client, "track", ("free", "premium"), scheme)
    assert len({one.key.key for one in (*found.values(), *again.values())}) == 4
    fairplay = {one.signaling.fairplay is None for one in found.values()}
    assert fairplay == {scheme is Scheme.CENC}


async def test_without_the_scope_there_is_no_key(origin: Origin) -> None:
    token = origin.deps.access_tokens.mint("listener", "premium", 60)
    async with OutboundClient() as http:
        client = SpekeClient(http, origin.url + PATH, "2.0", ALL, token=lambda: token)
        with pytest.raises(KeyProviderFailed, match=r"status 403.*scope-missing") as caught:
            await client.key("track", Scheme.CBCS)
    assert token not in str(caught.value)


async def test_where_nobody_listens_there_is_no_key() -> None:
    async with OutboundClient() as http:
        client = SpekeClient(http, "http://127.0.0.1:9/speke", "2.0", ALL, pauses_s=(0.0,))
        with pytest.raises(KeyProviderFailed, match=r"^key provider http://127\.0\.0\.1:9/speke"):
            await client.key("track", Scheme.CBCS)

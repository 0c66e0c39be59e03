"""Common Access Tokens in place of our compact playback tokens, over sockets."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from configs.settings import DrmSettings, OriginSettings, Settings
from drm import cose
from drm.model import PlaybackToken
from drm.token_keys import SigningKeys, open_cat_keys
from origin.listening import address_url, reserve
from origin.server import start
from pipeline.cli.compose import open_tokens
from tests.http.conftest import Origin, Watch
from tests.support import house as houses
from tests.support.house import House


@pytest.fixture
def keys(house: House) -> SigningKeys:
    return open_cat_keys(house.root / "cat.json")


@pytest.fixture
async def origin(house: House, keys: SigningKeys) -> AsyncIterator[Origin]:
    """One that issues them, with the tokens that the settings make."""
    drm = DrmSettings(cat_file=house.root / "cat.json", playback_form="cat")
    tokens = open_tokens(Settings(home=house.root, drm=drm)).playback
    settings = OriginSettings(port=0, shutdown_grace_s=1.0)
    with reserve("127.0.0.1", 0, shared=False) as listening:
        url, port = address_url(listening, tls=False), listening.getsockname()[1]
        async with houses.open_deps(house, settings) as opened, aiohttp.ClientSession() as client:
            deps = replace(opened, playback_tokens=tokens)
            runner = await start(deps, listening)
            yield Origin(url, port, deps, house, client, runner, Watch())
            await runner.cleanup()


async def status(origin: Origin, url: str) -> int:
    async with origin.client.get(url) as response:
        await response.read()
        return response.status


async def test_a_track_plays_by_one_and_no_more_than_it_opens(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=origin.access("free")) as response:
        answer = await response.json()
    token = answer["token"]
    assert "." not in token
    for manifest in (answer["hls"], answer["dash"]):
        assert token in manifest
        assert await status(origin, manifest) == 200
    track = f"{origin.url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}"
    assert await status(origin, f"{track}/aac-64k/1.m4s") == 200
    assert await status(origin, f"{track}/flac/1.m4s") == 403
    kids = {tier: key.kid.hex for tier, key in origin.house.keys.items()}
    assert await status(origin, f"{track}/keys/{kids['standard']}") == 200
    assert await status(origin, f"{track}/keys/{kids['lossless']}") == 403
    other = f"{origin.url}/v1/t/{token}/tracks/{houses.OTHER_TRACK}/{houses.REVISION}"
    assert await status(origin, f"{other}/aac-64k/1.m4s") == 403
    asked = urlsafe_b64encode(bytes.fromhex(kids["standard"])).rstrip(b"=").decode()
    body = json.dumps({"kids": [asked]})
    async with origin.client.post(answer["license"], data=body) as response:
        assert response.status == 200


async def test_one_that_somebody_else_signed(origin: Origin, keys: SigningKeys) -> None:
    now = int(datetime.now(UTC).timestamp())
    claims: dict[int, object] = {
        1: "headwater",
        4: now + 60,
        310: 1,
        312: {3: {3: f"/tracks/{houses.TRACK}/"}},
        -65537: {0: ["standard"]},
    }
    cases: list[tuple[dict[int, object], bytes, int]] = [
        ({}, keys.keys[keys.current], 200),
        ({4: now - 1}, keys.keys[keys.current], 401),
        ({311: [64496]}, keys.keys[keys.current], 401),  # it limits what we do not check
        ({}, bytes(32), 401),
    ]
    for changes, key, expected in cases:
        data = cose.seal({**claims, **changes}, keys.current, key)
        token = urlsafe_b64encode(data).rstrip(b"=").decode()
        track = f"{origin.url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}"
        assert await status(origin, f"{track}/aac-64k/1.m4s") == expected


async def test_compact_ones_are_still_good(origin: Origin) -> None:
    compact = open_tokens(Settings(home=origin.house.root)).playback
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
    token = compact.issue(PlaybackToken(f"tracks/{houses.TRACK}/", ("standard",), expires))
    track = f"{origin.url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}"
    assert await status(origin, f"{track}/aac-64k/1.m4s") == 200


def test_the_keys_are_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "cat.json"
    first = open_cat_keys(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_cat_keys(path) == first
    assert set(json.loads(path.read_text())) == {"format", "cat"}

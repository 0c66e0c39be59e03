"""`/v1/auth/`: what an edge is told before it answers from its own copy."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from catalog.publish import embargo, republish, unpublish
from storage.base import StorageError
from tests.http.conftest import Origin
from tests.support import house as houses

RESTS = (
    "aac-64k.mp4",
    "aac-64k/1.m4s",
    "aac-64k/init.mp4",
    "standard/hls/multivariant.m3u8",
    "standard/dash/manifest.mpd",
)


def auth(url: str) -> str:
    return url.replace("/v1/t/", "/v1/auth/")


@pytest.mark.parametrize("rest", RESTS)
async def test_a_token_that_opens_it(origin: Origin, rest: str) -> None:
    async with origin.client.get(auth(origin.media(rest)) + "?CMCD=x") as response:
        assert response.status == 204
        assert response.headers["Cache-Control"] == "public, max-age=30, must-revalidate"
        assert response.headers["Surrogate-Key"].split()[0] == houses.TRACK


async def test_a_cover_is_asked_about_too_and_the_storage_is_not(origin: Origin) -> None:
    origin.watch.error = StorageError("away")
    name = f"covers/{hashlib.sha256(houses.COVER).hexdigest()}.jpg"
    scoped = houses.playback_token(origin.deps, scope="covers/")
    for token, status in ((scoped, 204), (houses.playback_token(origin.deps), 403)):
        async with origin.client.get(f"{origin.url}/v1/auth/{token}/{name}") as response:
            assert response.status == status


async def test_a_refusal_in_words_is_never_a_yes(origin: Origin) -> None:
    """nginx asks for them after a no: what it gets is what the listener gets."""
    for tiers, status in ((("standard",), 503), ((), 503), (("lossless",), 403)):
        url = auth(origin.media("aac-64k.mp4", *tiers)) + "?refused"
        async with origin.client.get(url) as response:
            assert response.status == status
            assert response.headers["Cache-Control"] == "no-store"


async def test_an_answer_is_not_believed_longer_than_the_token(origin: Origin) -> None:
    async with origin.client.get(auth(origin.media("aac-64k.mp4", ttl_s=5))) as response:
        field = response.headers["Cache-Control"]
        assert 1 <= int(field.split("=")[1].split(",")[0]) <= 5


@pytest.mark.parametrize(
    ("rest", "status", "reason"),
    [
        ("flac.mp4", 403, "tier-not-open"),
        ("flac/1.m4s", 403, "tier-not-open"),
        ("aac-65k.mp4", 403, "rendition-not-found"),
        ("aac-64k/999.m4s", 403, "segment-not-found"),
        ("standard-premium/hls/multivariant.m3u8", 403, "tier-not-open"),
        ("keys/" + "00" * 16, 403, "not-found"),
        ("package.json", 403, "not-found"),
    ],
)
async def test_what_it_does_not_open(origin: Origin, rest: str, status: int, reason: str) -> None:
    async with origin.client.get(auth(origin.media(rest, "standard"))) as response:
        assert response.status == status
        assert response.headers["Cache-Control"] == "no-store"
        assert (await response.json(content_type=None))["reason"] == reason


async def test_a_token_that_is_none(origin: Origin) -> None:
    good = auth(origin.media("aac-64k.mp4"))
    expired = auth(origin.media("aac-64k.mp4", ttl_s=-1))
    for url, reason in ((good.replace("auth/2", "auth/3"), "invalid"), (expired, "expired")):
        async with origin.client.get(url) as response:
            assert response.status == 401
            assert response.headers["Cache-Control"] == "no-store"
            assert (await response.json(content_type=None))["reason"] == f"token-{reason}"


async def test_what_was_taken_away_is_known_for_segments_too(
    origin: Origin, unknown_s: float
) -> None:
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))
    assert await _statuses(origin) == {403}
    now = datetime.now(UTC)
    async with origin.deps.catalog.begin() as tx:
        await republish(tx, houses.TRACK, now)
        await embargo(tx, houses.TRACK, now + timedelta(hours=1), now)
    await asyncio.sleep(unknown_s)
    assert await _statuses(origin) == {403}


async def test_no_answer_is_no_denial(origin: Origin) -> None:
    origin.watch.error = StorageError("away")
    async with origin.client.get(auth(origin.media("aac-64k.mp4"))) as response:
        assert response.status == 503
        assert response.headers["Cache-Control"] == "no-store"
    async with origin.client.post(auth(origin.media("aac-64k.mp4"))) as response:
        assert response.status == 405


async def _statuses(origin: Origin) -> set[int]:
    found = set()
    for rest in RESTS:
        async with origin.client.get(auth(origin.media(rest))) as response:
            found.add(response.status)
    return found

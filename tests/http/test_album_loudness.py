"""The loudness of the album in manifests: the catalog's of today, not the package's of then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from catalog.publish import publish
from catalog.records import Publication, ReleaseDraft, RevisionDraft, TrackDraft
from tests.http.conftest import Origin
from tests.support import house as houses

ALBUM = "integrated={},range={},true-peak={}"
MANIFESTS = ("premium/hls/multivariant.m3u8", "premium/dash/manifest.mpd")


async def _text(origin: Origin, url: str) -> str:
    async with origin.client.get(url) as response:
        assert response.status == 200
        return await response.text()


async def _publish_quiet_song(origin: Origin) -> None:
    """A third track of the release, which makes it softer on the whole."""
    track = TrackDraft("t" + "q" * 20, "default", "Hush", ("The Testers",), 9.0)
    revision = RevisionDraft(
        revision="f" * 16,
        master_sha256="3" * 64,
        recipe_sha256="0" * 64,
        master_format="wav",
        master_codec="pcm_s16le",
        master_sample_rate_hz=44100,
        master_channels=2,
        master_bit_depth=16,
        master_samples=44100 * 9,
        scheme="clear",
        encoder="ffmpeg",
        integrated_lufs=-20.0,
        loudness_range_lu=0.0,
        true_peak_dbtp=-0.5,
        renditions=(),
        loudness_blocks=houses.loudness_blocks(-20.0),
    )
    release = ReleaseDraft(houses.RELEASE, "Dawn", "The Testers")
    async with origin.deps.catalog.begin() as tx:
        await publish(tx, Publication(track, release, revision, ()), datetime.now(UTC))


@pytest.mark.parametrize("manifest", MANIFESTS)
async def test_it_follows_the_catalog_within_seconds(origin: Origin, manifest: str) -> None:
    url = origin.media(manifest)
    before = await _text(origin, url)
    assert ALBUM.format("-14", "0", "-1") in before
    assert await _text(origin, url) == before  # remembered, head and all
    await _publish_quiet_song(origin)
    after = before
    async with asyncio.timeout(10):
        while after == before:
            await asyncio.sleep(0.2)
            after = await _text(origin, url)
    assert after == before.replace(
        ALBUM.format("-14", "0", "-1"), ALBUM.format("-15.25", "6", "-0.5")
    )
    assert await _text(origin, url) == after


async def test_a_release_played_as_one_says_it_too(origin: Origin) -> None:
    address = f"{origin.url}/api/v1/playback/releases/{houses.RELEASE}"
    async with origin.client.post(address, headers=origin.access()) as response:
        answer = await response.json()
    loudness = {"integrated_lufs": -14.0, "range_lu": 0.0, "true_peak_dbtp": -1.0}
    assert [one["album_loudness"] for one in answer["tracks"]] == [loudness] * 2
    for form in ("hls", "dash"):
        assert ALBUM.format("-14", "0", "-1") in await _text(origin, answer[form])

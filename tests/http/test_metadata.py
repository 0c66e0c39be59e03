"""What the API remembers: it spares the catalog, ends with a change, lasts through an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from catalog import publish, tracks
from catalog.backup import back_up_file
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogUnavailable
from catalog.records import TrackRecord
from configs.settings import ApiSettings
from origin.metadata import MetadataCache
from origin.outage import Outage
from origin.problems import Missing
from origin.remembered import Remembered
from tests.http.conftest import Origin
from tests.servers.redis import Redis
from tests.support import house as houses


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[Client]:
    redis.clear()
    client = Client.from_url(redis.url())
    yield client
    await client.aclose()


async def _gone(origin: Origin, remembered: Remembered) -> float:
    """How long a track is still told of after it was taken away, in seconds."""
    async with origin.deps.catalog.begin() as tx:
        await publish.unpublish(tx, houses.TRACK, datetime.now(UTC))
    began = time.monotonic()
    while time.monotonic() - began < 5:
        try:
            await remembered.track(houses.TRACK)
        except Missing:
            break
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def test_it_is_read_once_and_gone_within_two_seconds(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    get = tracks.get

    async def counted(tx: Tx, track_id: str) -> TrackRecord:
        reads.append(track_id)
        return await get(tx, track_id)

    monkeypatch.setattr(tracks, "get", counted)
    remembered = origin.state.remembered
    for _ in range(5):
        assert (await remembered.track(houses.TRACK)).title == "First Light"
    assert reads == [houses.TRACK]
    assert await _gone(origin, remembered) < 3
    with pytest.raises(Missing):
        await remembered.release("r" + "z" * 20)


@pytest.mark.server
async def test_workers_share_it_and_each_learns_of_a_change(
    origin: Origin, shared: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches = [MetadataCache(origin.deps.catalog, Outage(60), shared) for _ in range(2)]
    one, other = (Remembered(cache, ApiSettings()) for cache in caches)
    found = await one.track(houses.TRACK)
    whole = await one.release(houses.RELEASE)
    with monkeypatch.context() as patched:  # the other one reads nothing of the catalog

        async def away(*_: object, **__: object) -> Any:
            raise AssertionError

        patched.setattr(tracks, "get", away)
        patched.setattr(tracks, "list_page", away)
        assert await other.track(houses.TRACK) == found
        assert await other.release(houses.RELEASE) == whole
    assert await _gone(origin, one) < 3
    third = MetadataCache(origin.deps.catalog, Outage(60), shared)
    with pytest.raises(Missing):  # what Redis has of it counts for nobody
        await Remembered(third, ApiSettings()).track(houses.TRACK)
    for cache in (*caches, third):
        await cache.close()


async def test_what_a_replica_that_is_behind_says_is_not_kept(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, file = origin.deps.catalog, tmp_path / "behind.db"
    back_up_file(f"sqlite+aiosqlite:///{primary.place}", file)
    behind = await Catalog.open(f"sqlite+aiosqlite:///{file}")
    async with primary.begin() as tx:
        await publish.unpublish(tx, houses.TRACK, datetime.now(UTC))
    remembered = origin.state.remembered
    await remembered.track(houses.OTHER_TRACK)  # the changes are known now
    with monkeypatch.context() as patched:
        patched.setattr(primary, "connect", behind.connect)
        patched.setattr(primary, "glance", behind.glance)
        assert (await remembered.track(houses.TRACK)).title == "First Light"
    with pytest.raises(Missing):
        await remembered.track(houses.TRACK)
    await behind.close()


async def test_memory_is_bounded_in_bytes(origin: Origin) -> None:
    cache = MetadataCache(origin.deps.catalog, Outage(60), None, limit_bytes=4096)
    remembered = Remembered(cache, ApiSettings())
    for limit in range(1, 20):
        await remembered.completed("first", limit)
    assert 2048 < cache.memory.used <= 4096
    assert cache.memory.evictions > 0
    await cache.close()


async def test_it_lasts_while_the_catalog_is_away(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = origin.state.remembered
    found = await remembered.track(houses.TRACK)

    def away(**_: object) -> Any:
        raise CatalogUnavailable("away")

    for reading in ("connect", "glance"):
        monkeypatch.setattr(origin.deps.catalog, reading, away)
    began = time.monotonic()
    while time.monotonic() - began < 3:
        assert await remembered.track(houses.TRACK) == found
        await asyncio.sleep(0.2)
    with pytest.raises(CatalogUnavailable):
        await remembered.track(houses.OTHER_TRACK)

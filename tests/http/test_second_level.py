"""Segments from a local disk, and before they are asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from configs.settings import OriginSettings
from storage.base import StorageError
from tests.http.conftest import Origin


@pytest.fixture
def settings(tmp_path: Path) -> OriginSettings:
    return OriginSettings(port=0, shutdown_grace_s=1.0, disk_cache_path=tmp_path / "level")


@pytest.fixture
def terms() -> dict[str, Any]:
    return {"read_ahead": 1}


async def get(origin: Origin, rest: str) -> bytes:
    async with origin.client.get(origin.media(rest)) as response:
        assert response.status == 200
        return await response.read()


async def settled(origin: Origin) -> None:
    """Until nothing is read or written any more."""
    pieces = origin.state.pieces
    while pieces._early:
        await asyncio.wait(pieces._early)
    assert pieces._disk is not None
    await pieces._disk.close()


async def test_the_next_segment_is_there_before_it_is_asked_for(origin: Origin) -> None:
    counters = origin.state.counters
    segments = origin.house.package.renditions[0].segments
    stored = origin.stored("aac-64k")
    for number, segment in enumerate(segments, 1):
        assert (
            await get(origin, f"aac-64k/{number}.m4s")
            == stored[segment.span.start : segment.span.end]
        )
        await settled(origin)
        assert counters.store_reads == min(number + 1, len(segments))
    assert counters.read_ahead == len(segments) - 1


async def test_what_the_disk_holds_outlives_memory_and_the_store(origin: Origin) -> None:
    first = await get(origin, "aac-64k/1.m4s")
    await settled(origin)
    origin.state.pieces.cache.clear()
    origin.watch.error = StorageError("the bucket is away")
    for _ in range(2):
        assert await get(origin, "aac-64k/1.m4s") == first
    await settled(origin)
    assert origin.state.counters.disk_hits == 2  # the segment, and the one after it
    async with origin.client.get(origin.media("flac/1.m4s")) as response:
        assert response.status == 503  # what nobody has is still not there


async def test_a_disk_that_lies_is_found_out(origin: Origin, tmp_path: Path) -> None:
    first = await get(origin, "aac-64k/1.m4s")
    await settled(origin)
    for file in (one for one in (tmp_path / "level").rglob("*") if one.is_file()):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    origin.state.pieces.cache.clear()
    assert await get(origin, "aac-64k/1.m4s") == first
    assert origin.state.counters.disk_errors >= 1

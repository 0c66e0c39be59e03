"""Leases of streams: counted across connections, freed by time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from catalog import streams
from catalog.engine import Catalog
from catalog.records import StreamsRecord

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=60)
ADA, BOB = "A" * 16, "B" * 16


async def take(catalog: Catalog, account: str, session: str, *, now: datetime = NOW) -> int:
    async with catalog.begin() as tx:
        until = now + timedelta(seconds=60)
        return await streams.take(tx, account, session, limit=2, now=now, until=until)


async def test_so_many_and_no_more_of_each_account(catalog: Catalog) -> None:
    assert [await take(catalog, ADA, name) for name in ("one", "two", "three")] == [0, 1, 2]
    assert await take(catalog, BOB, "one") == 0
    async with catalog.connect() as tx:
        assert await streams.look(tx, ADA, "one", NOW) == StreamsRecord(1, UNTIL)
        assert await streams.look(tx, ADA, "three", NOW) == StreamsRecord(2, None)


async def test_renewing_keeps_the_place_of_a_stream(catalog: Catalog) -> None:
    for name in ("one", "two"):
        await take(catalog, ADA, name)
    later = NOW + timedelta(seconds=30)
    assert await take(catalog, ADA, "one", now=later) == 1
    async with catalog.connect() as tx:
        found = await streams.look(tx, ADA, "one", NOW)
    assert found == StreamsRecord(1, later + timedelta(seconds=60))


async def test_who_does_not_renew_loses_the_place(catalog: Catalog) -> None:
    for name in ("one", "two"):
        await take(catalog, ADA, name)
    async with catalog.connect() as tx:
        assert await streams.look(tx, ADA, "three", UNTIL) == StreamsRecord(0, None)
    assert await take(catalog, ADA, "three", now=UNTIL) == 0


async def test_ending_a_stream_frees_it_at_once(catalog: Catalog) -> None:
    for name in ("one", "two"):
        await take(catalog, ADA, name)
    async with catalog.begin() as tx:
        await streams.end(tx, ADA, "one")
        await streams.end(tx, ADA, "never")
    assert await take(catalog, ADA, "three") == 1


async def test_of_many_that_ask_at_once_exactly_so_many_get_in(url: str) -> None:
    """Twenty tasks over four connections of their own, as workers have them."""
    workers = [await Catalog.open(url) for _ in range(4)]
    others = await asyncio.gather(
        *(take(workers[number % 4], ADA, f"session{number}") for number in range(20))
    )
    assert sum(count < 2 for count in others) == 2
    for worker in workers:
        await worker.close()

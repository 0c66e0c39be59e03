"""What happens at the same time comes out as if it had happened one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from catalog import audit, deliveries, jobs, keks, publish, releases, takedowns, tracks
from catalog.album_loudness import Histogram, LoudnessBlocks, album_loudness
from catalog.engine import Catalog, Tx
from catalog.records import Claim, JobQueue, MasterSource, Publication, TrackStatus
from drm.audit import AuditEntry, AuditEvent, AuditLog
from tests.support.publications import make_publication

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


async def somebody_waits(tx: Tx) -> None:
    """Return once another writer waits for what this transaction holds."""
    if tx.dialect.name == "postgresql":  # on SQLite it waits at its beginning
        waiting = text(
            "SELECT count(*) FROM pg_locks "
            "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        while not (await tx.execute(waiting)).scalar_one():  # noqa: ASYNC110 - a server's
            await asyncio.sleep(0.01)


async def put(catalog: Catalog, publication: Publication) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, publication, NOW)


async def test_one_revision_that_many_publish_is_there_once(catalog: Catalog) -> None:
    await asyncio.gather(*(put(catalog, make_publication()) for _ in range(8)))
    async with catalog.connect() as tx:
        assert len(await tracks.revisions(tx, A)) == 1
        assert (await tracks.get(tx, A)).artists == ("The Headwaters",)


async def test_many_revisions_of_one_track_are_all_there_and_one_is_current(
    catalog: Catalog,
) -> None:
    many = [make_publication(revision=f"{n:x}", artists=("A", f"B{n}")) for n in range(1, 9)]
    await asyncio.gather(*(put(catalog, one) for one in many))
    async with catalog.connect() as tx:
        track = await tracks.get(tx, A)
        assert len(await tracks.revisions(tx, A)) == 8
    # The pointer, and what was written with it, are of one and the same publisher.
    number = int(str(track.current_revision)[0], 16)
    assert (track.duration_s, track.artists) == (2.0 * number, ("A", f"B{number}"))


async def test_a_release_has_the_loudness_of_all_that_came_at_once(catalog: Catalog) -> None:
    levels = dict(zip("abcdefgh", range(-23, -7, 2), strict=True))

    def of(letter: str, level: float) -> Publication:
        blocks = LoudnessBlocks(*(Histogram.of([level] * 40),) * 2)
        one = make_publication(letter, revision="1")
        return replace(one, revision=replace(one.revision, loudness_blocks=blocks))

    await asyncio.gather(*(put(catalog, of(*one)) for one in levels.items()))
    async with catalog.connect() as tx:
        found = await releases.get(tx, RELEASE)
        measured = await releases.loudness_of_tracks(tx, RELEASE)
    assert measured is not None
    assert (found.track_count, len(measured)) == (8, 8)
    assert found.integrated_lufs == album_loudness(measured).integrated_lufs


async def test_new_artists_in_any_order_are_made_once(catalog: Catalog) -> None:
    names = tuple(f"Artist {n}" for n in range(6))
    many = [
        make_publication(
            letter,
            revision="1",
            artists=names[::-1] if n % 2 else names,
            release=None,
        )
        for n, letter in enumerate("abcdefgh")
    ]
    await asyncio.gather(*(put(catalog, one) for one in many))
    async with catalog.connect() as tx:
        count = await tx.execute(text("SELECT count(*) FROM artists"))
        assert count.scalar_one() == 6
        assert (await tracks.get(tx, "t" + "b" * 20)).artists == names[::-1]


async def test_wraps_are_counted_without_loss(catalog: Catalog) -> None:
    async def take() -> int:
        async with catalog.begin() as tx:
            return await keks.count_wraps(tx, "local", 1, 64, NOW)

    counts = await asyncio.gather(*(take() for _ in range(10)))
    assert sorted(counts) == [64 * n for n in range(1, 11)]


async def test_every_process_begins_a_chain_of_its_own(catalog: Catalog) -> None:
    logs = [AuditLog(catalog, b"k" * 32) for _ in range(6)]
    entry = AuditEntry(AuditEvent.LICENSE, "token:1", "entitled")
    await asyncio.gather(*(log.record(entry) for log in logs))
    for log in logs:
        await log.close()
    async with catalog.connect() as tx:
        chains = await audit.chains(tx)
        assert [one.number for one in chains] == [1, 2, 3, 4, 5, 6]
        assert [one.entries for one in chains] == [2] * 6


async def test_a_track_that_is_taken_down_meanwhile_is_not_given_back(catalog: Catalog) -> None:
    await put(catalog, make_publication())

    async def give_back() -> None:
        async with catalog.begin() as tx:
            await publish.republish(tx, A, NOW)

    async with catalog.begin() as tx:
        await takedowns.take_down(tx, A, "somebody", "a court says so", NOW)
        other = asyncio.create_task(give_back())
        await somebody_waits(tx)
    with pytest.raises(takedowns.TakenDown):
        await other
    async with catalog.connect() as tx:
        assert (await tracks.get(tx, A)).status is TrackStatus.UNPUBLISHED


async def test_a_hot_request_for_a_job_that_is_begun_meanwhile(catalog: Catalog) -> None:
    """It was parked among the bulk; somebody else queues it again, and a worker takes it."""
    source, bulk, hot = MasterSource("/a.flac"), JobQueue.BULK, JobQueue.HOT

    async def claim(tx: Tx, now: datetime) -> Claim:
        held = await jobs.claim(tx, "j", "w", now, lease_s=60, max_attempts=3)
        assert held is not None
        return held

    async def ask() -> str:
        async with catalog.begin() as tx:
            return await jobs.submit(tx, "k", source, tenant="default", queue=hot, now=NOW)

    async with catalog.begin() as tx:
        await jobs.submit(tx, "j", source, tenant="default", queue=bulk, now=NOW)
        await jobs.park(tx, await claim(tx, NOW), "it fails", NOW)
    async with catalog.begin() as tx:
        await jobs.retry(tx, "j")
        held = await claim(tx, NOW)
        other = asyncio.create_task(ask())
        await somebody_waits(tx)
    assert await other == "j"
    async with catalog.begin() as tx:
        await jobs.check_fence(tx, "j", held.token)  # the worker goes on
        assert (await jobs.get(tx, "j")).queue is hot
        await jobs.wait(tx, held, "no room", NOW, NOW)
        assert await deliveries.overdue(tx, hot, NOW, after_s=60, limit=9) == ("j",)


async def test_who_waits_in_a_circle_gets_another_turn(catalog: Catalog) -> None:
    for letter in "ab":
        await put(catalog, make_publication(letter, revision="1", release=None))
    met = asyncio.Barrier(2)

    def both(first: str, second: str) -> Callable[[Tx], Awaitable[None]]:
        meets = [met.wait] if catalog_waits_in_the_middle else []

        async def work(tx: Tx) -> None:
            await publish.edit(tx, "t" + first * 20, {"genre": first + second}, NOW)
            if meets:  # only the first time
                await meets.pop()()
            await publish.edit(tx, "t" + second * 20, {"genre": first + second}, NOW)

        return work

    async with catalog.connect() as tx:  # on SQLite a writer waits at its beginning
        catalog_waits_in_the_middle = tx.dialect.name == "postgresql"
    await asyncio.gather(catalog.transact(both("a", "b")), catalog.transact(both("b", "a")))
    async with catalog.connect() as tx:
        genres = {(await tracks.get(tx, "t" + letter * 20)).genre for letter in "ab"}
    assert len(genres) == 1

"""A job's events: the same from every worker, and one question to the catalog for all who watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from catalog import jobs
from catalog.engine import Catalog
from catalog.records import Claim, JobQueue, JobRecord, JobState, MasterSource
from drm.access_token import JOBS_READ
from origin.job_feed import JobFeed
from origin.listening import address_url, reserve
from origin.server import start
from tests.http.conftest import Origin

JOB = "ab" * 16
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at jobs fifty times a second, so that nobody has to wait for it."""
    monkeypatch.setattr("origin.job_feed._LOOK_S", 0.02)
    monkeypatch.setattr("origin.job_feed._AWAY_S", 0.02)


async def queue(catalog: Catalog, job_id: str = JOB) -> None:
    async with catalog.begin() as tx:
        source = MasterSource(f"/{job_id}.wav")
        await jobs.submit(tx, job_id, source, tenant="default", queue=JobQueue.HOT, now=NOW)


async def begin(catalog: Catalog, job_id: str = JOB) -> Claim:
    async with catalog.begin() as tx:
        held = await jobs.claim(tx, job_id, "w", NOW, lease_s=600, max_attempts=3)
    assert held is not None
    return held


async def finish(catalog: Catalog, job_id: str = JOB) -> None:
    async with catalog.begin() as tx:
        made = {"master_sha256": "1" * 64, "track_id": "t" + "a" * 20, "revision": "2" * 16}
        await jobs.finish(tx, job_id, NOW, outcome="published", **made)


@asynccontextmanager
async def another_worker(origin: Origin) -> AsyncIterator[str]:
    """The address of an origin that has nothing in common with the first but the catalog."""
    with reserve("127.0.0.1", 0, shared=False) as listening:
        runner = await start(origin.deps, listening)
        try:
            yield address_url(listening, tls=False)
        finally:
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of events that is being read."""

    response: aiohttp.ClientResponse

    async def next(self) -> dict[str, Any]:
        """The next one: its id, its type, and the job as it says."""
        found: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE_S):
            while "data" not in found:
                line = (await self.response.content.readline()).decode()
                assert line, "the stream has ended"
                name, _, value = line.rstrip("\n").partition(": ")
                found |= {name: value} if name in {"id", "event", "data"} else {}
        job = json.loads(found["data"])
        seen = {name: job[name] for name in ("state", "stage", "progress", "outcome")}
        return {"id": found["id"], "event": found.get("event"), **seen}

    async def rest(self) -> bytes:
        """What still comes until the server ends it."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.response.read()


@asynccontextmanager
async def watching(origin: Origin, url: str, last_id: str | None = None) -> AsyncIterator[Events]:
    headers = {"Authorization": f"Bearer {operator(origin)}"}
    headers |= {} if last_id is None else {"Last-Event-ID": last_id}
    address = f"{url}/api/v1/jobs/{JOB}/events"
    async with origin.client.get(address, headers=headers) as response:
        assert response.status == 200, await response.text()
        yield Events(response)


def operator(origin: Origin) -> str:
    return origin.deps.access_tokens.mint("operator", "-", 60, scopes=(JOBS_READ,))


async def test_events_are_the_same_from_every_worker_and_go_on_at_another(origin: Origin) -> None:
    catalog = origin.deps.catalog
    await queue(catalog)
    async with another_worker(origin) as other:
        async with watching(origin, origin.url) as here, watching(origin, other) as there:
            queued = await here.next()
            assert queued == await there.next()
            assert (queued["state"], queued["event"]) == ("queued", None)
            held = await begin(catalog)
            running = await here.next()
            assert running == await there.next()
            assert running["state"] == "running"
            assert running["id"] != queued["id"]
        # Whoever comes back to another worker is told what is new, and not again what is known.
        async with watching(origin, other, running["id"]) as again:
            async with catalog.begin() as tx:
                await jobs.renew(tx, held, NOW, 600, 0.5)
            assert (await again.next())["progress"] == 0.5
            await finish(catalog)
            end = await again.next()
            assert (end["event"], end["state"], end["outcome"]) == ("end", "done", "published")
            assert await again.rest() == b"\n"
        for url in (origin.url, other):
            headers = {"Authorization": f"Bearer {operator(origin)}", "Last-Event-ID": end["id"]}
            address = f"{url}/api/v1/jobs/{JOB}/events"
            async with origin.client.get(address, headers=headers) as response:
                assert response.status == 204


@contextmanager
def heard(catalog: Catalog) -> Iterator[list[str]]:
    """Each transaction in the block."""
    found: list[str] = []
    catalog.watched_by(lambda operation, _outcome, _seconds: found.append(operation))
    yield found
    catalog.watched_by(lambda *_: None)


async def to_end(feed: JobFeed, job_id: str) -> list[JobState]:
    async with aclosing(feed.watch(job_id, PATIENCE_S)) as changes:
        return [one.state async for one in changes if one is not None]


async def test_all_who_watch_are_one_question(origin: Origin) -> None:
    catalog = origin.deps.catalog
    names = [f"{number:032x}" for number in range(3)]
    for name in names:
        await queue(catalog, name)
    feed = JobFeed(catalog)
    with heard(catalog) as transactions:
        watchers = [asyncio.create_task(to_end(feed, names[n % 3])) for n in range(90)]
        while len(transactions) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # some looks: each of 90 questions, were it one for each
        assert feed.watchers == 90
        assert len(transactions) < 30
    for name in names:
        await begin(catalog, name)
        await finish(catalog, name)
    async with asyncio.timeout(PATIENCE_S):
        for states in await asyncio.gather(*watchers):
            assert states[-1] is JobState.DONE
    assert feed.watchers == 0


async def test_nothing_old_is_told_of_a_job_that_nobody_watched(origin: Origin) -> None:
    catalog = origin.deps.catalog
    await queue(catalog)
    await queue(catalog, "cd" * 16)
    feed = JobFeed(catalog)
    elsewhere = asyncio.create_task(to_end(feed, "cd" * 16))  # keeps the feed looking
    assert (await first(feed)).state is JobState.QUEUED
    await begin(catalog)
    assert (await first(feed)).state is JobState.RUNNING
    await feed.close()
    assert await elsewhere == [JobState.QUEUED]  # an end of the server is one of the watching


async def first(feed: JobFeed) -> JobRecord:
    async with asyncio.timeout(PATIENCE_S), aclosing(feed.watch(JOB, PATIENCE_S)) as changes:
        found = await anext(changes)
    assert found is not None
    return found


async def test_a_catalog_that_is_away_is_waited_for_and_silence_is_filled(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = origin.deps.catalog
    await queue(catalog)
    feed = JobFeed(catalog)
    async with asyncio.timeout(PATIENCE_S), aclosing(feed.watch(JOB, 0.05)) as changes:
        assert await anext(changes) is not None
        assert await anext(changes) is None  # so that no proxy gives it up
        await renamed(catalog, "jobs", "gone")
        while "jobs cannot be looked at" not in caplog.text:
            assert await anext(changes) is None
        await renamed(catalog, "gone", "jobs")
        await begin(catalog)
        while (found := await anext(changes)) is None:
            pass
        assert found.state is JobState.RUNNING
    await feed.close()


async def renamed(catalog: Catalog, name: str, other: str) -> None:
    """A catalog without a table is one that cannot be asked."""
    async with catalog.begin() as tx:
        await tx.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")

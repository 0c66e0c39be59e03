"""The life of a job, and who may write about it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog import deliveries, jobs
from catalog.engine import Catalog, Tx
from catalog.errors import Fenced, NotFound, WrongState
from catalog.records import Claim, Fault, JobQueue, JobRecord, JobState, MasterSource

A = MasterSource("/a.flac")
LATER = timedelta(minutes=2)


async def submit(
    tx: Tx,
    job_id: str,
    now: datetime,
    *,
    source: MasterSource = A,
    queue: JobQueue = JobQueue.HOT,
) -> str:
    return await jobs.submit(tx, job_id, source, tenant="default", queue=queue, now=now)


async def claim(
    tx: Tx, now: datetime, *, worker: str = "w", attempts: int = 3, gone: str | None = None
) -> Claim | None:
    return await jobs.claim(tx, "j", worker, now, lease_s=60, max_attempts=attempts, gone=gone)


async def claimed(tx: Tx, now: datetime, worker: str = "w") -> Claim:
    found = await claim(tx, now, worker=worker)
    assert found is not None
    return found


async def writing(tx: Tx, now: datetime) -> None:
    """A job whose worker has begun to write."""
    await submit(tx, "j", now)
    held = await claimed(tx, now)
    await jobs.writes(tx, held, "t", "r")


async def test_a_job_from_start_to_end(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        assert await submit(tx, "j", now) == "j"
        assert await jobs.get(tx, "j") == JobRecord(
            "j", "default", A, JobQueue.HOT, JobState.QUEUED, "start", now
        )
        held = await claimed(tx, now)
        assert held == Claim("j", 1, 1, A, "default")
        await jobs.stage(tx, held, "probe", None)
        await jobs.stage(tx, held, "probe", 0.5)
        await jobs.stage(tx, held, "encode", 20.25)
        await jobs.renew(tx, held, now + LATER, 60, 0.4)
        running = await jobs.get(tx, "j")
        assert (running.state, running.stage, running.worker) == (JobState.RUNNING, "encode", "w")
        assert (running.progress, running.lease_until) == (0.4, now + LATER + timedelta(minutes=1))
        await jobs.check_fence(tx, "j", held.token)
        await jobs.finish(
            tx, "j", now, outcome="published", track_id="t", revision="r", master_sha256="m"
        )
        done = await jobs.get(tx, "j")
    assert done.stage_seconds == {"probe": 0.5, "encode": 20.25}
    assert (done.state, done.track_id, done.revision) == (JobState.DONE, "t", "r")
    assert (done.outcome, done.progress, done.finished_at) == ("published", 1.0, now)
    assert [(one.attempt, one.worker, one.ended) for one in done.log] == [(1, "w", "done")]


async def test_of_two_claims_one_succeeds_and_the_other_may_write_nothing(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        old = await claimed(tx, now)
        assert await claim(tx, now, worker="other") is None
        new = await claimed(tx, now + LATER, worker="other")
        assert new.token == old.token + 1
        assert new.attempt == 2
        for forbidden in (
            jobs.check_fence(tx, "j", old.token),
            jobs.stage(tx, old, "store", 1.0),
            jobs.renew(tx, old, now, 60, 0.5),
            jobs.writes(tx, old, "t", "r"),
            jobs.fail(tx, old, "x", Fault.MASTER, now),
            jobs.wait(tx, old, "x", now, now),
            jobs.give_back(tx, old, now),
        ):
            with pytest.raises(Fenced, match="job j was taken"):
                await forbidden
        await jobs.check_fence(tx, "j", new.token)
        record = await jobs.get(tx, "j")
    assert [(one.worker, one.ended) for one in record.log] == [("w", "lost")]


async def test_many_claim_at_once_and_one_gets_it(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)

    async def one(worker: str) -> Claim | None:
        async with catalog.begin() as tx:
            return await claim(tx, now, worker=worker)

    found = await asyncio.gather(*(one(f"w{number}") for number in range(8)))
    assert sum(claim is not None for claim in found) == 1


async def test_a_worker_that_is_known_to_be_gone_loses_its_job_at_once(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.begin() as tx:
        await writing(tx, now)
        assert await claim(tx, now, gone="somebody else") is None
        found = await claim(tx, now, worker="other", gone="w")
        assert found is not None
        assert found.left_behind == ("t", "r")


async def test_a_job_that_kills_its_workers_is_parked(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        for number in range(3):
            assert await claim(tx, now + number * LATER) is not None
        assert await claim(tx, now + 3 * LATER) is None
        parked = await jobs.get(tx, "j")
        assert parked.state is JobState.PARKED
        assert parked.error == "its worker w is gone, 3 times or more"
        assert [one.ended for one in parked.log] == ["lost"] * 3
        again = await jobs.retry(tx, "j")
        assert (again.state, again.attempts) == (JobState.QUEUED, 0)
        assert len(again.log) == 3
        assert await claim(tx, now) is not None


async def test_what_passes_waits_and_what_does_not_ends(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        await jobs.wait(tx, await claimed(tx, now), "storage is away", now, now + LATER)
        waiting = await jobs.get(tx, "j")
        assert (waiting.state, waiting.error) == (JobState.WAITING, "storage is away")
        assert await claim(tx, now) is None
        held = await claimed(tx, now + LATER)
        assert held.attempt == 2
        await jobs.fail(tx, held, "no audio", Fault.MASTER, now + LATER)
        failed = await jobs.get(tx, "j")
        assert (failed.state, failed.error) == (JobState.FAILED, "no audio")
        assert failed.fault is Fault.MASTER
        assert failed.finished_at == now + LATER
        assert [one.error for one in failed.log] == ["storage is away", "no audio"]
        assert await claim(tx, now + 9 * LATER) is None


async def test_a_worker_that_is_stopped_gives_its_job_back(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        await jobs.give_back(tx, await claimed(tx, now), now)
        given = await jobs.get(tx, "j")
        assert (given.state, given.attempts) == (JobState.QUEUED, 0)
        assert (await claimed(tx, now)).token == 2


async def test_a_master_has_one_job_until_it_is_over(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        assert await submit(tx, "j", now) == "j"
        assert await submit(tx, "k", now) == "j"
        assert await submit(tx, "k", now, source=replace(A, operator_id="mine")) == "k"
        assert (await jobs.cancel(tx, "j", "not wanted", now)).state is JobState.CANCELED
        assert await submit(tx, "l", now) == "l"
        with pytest.raises(WrongState, match="same master as job l"):
            await jobs.retry(tx, "j")


async def test_what_waits_among_the_bulk_can_be_made_hot(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        assert await submit(tx, "j", now, queue=JobQueue.BULK) == "j"
        await deliveries.mark_delivered(tx, ["j", *map(str, range(2000))], now)
        assert await submit(tx, "k", now, queue=JobQueue.HOT) == "j"
        assert (await jobs.get(tx, "j")).queue is JobQueue.HOT
        sent = await deliveries.undelivered(tx, JobQueue.HOT, now, after_s=60, limit=9)
        assert sent == ("j",)
        assert await submit(tx, "k", now, queue=JobQueue.BULK) == "j"
        assert (await jobs.get(tx, "j")).queue is JobQueue.HOT
        await claimed(tx, now)


async def test_cancel_ends_what_runs_and_nothing_that_is_over(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        held = await claimed(tx, now)
        canceled = await jobs.cancel(tx, "j", "not wanted", now)
        assert (canceled.state, canceled.error) == (JobState.CANCELED, "not wanted")
        with pytest.raises(Fenced):
            await jobs.check_fence(tx, "j", held.token)
        assert await jobs.cancel(tx, "j", "again", now) == canceled
        await jobs.retry(tx, "j")
        held = await claimed(tx, now)
        with pytest.raises(WrongState, match="is running"):
            await jobs.retry(tx, "j")
        await jobs.fail(tx, held, "bad", Fault.MASTER, now)
        with pytest.raises(WrongState, match="is failed"):
            await jobs.cancel(tx, "j", "x", now)


async def test_what_lacks_here_is_no_attempt(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await submit(tx, "j", now)
        assert await jobs.postpone(tx, "j", "no room", now, now + LATER)
        assert not await jobs.postpone(tx, "j", "no room", now, now + LATER)
        waiting = await jobs.get(tx, "j")
        assert (waiting.state, waiting.error, waiting.attempts) == (JobState.WAITING, "no room", 0)
        assert await jobs.postpone(tx, "j", "no room", now + LATER, now + 2 * LATER)


async def test_what_lacks_here_is_waited_for_by_a_lost_job_too(
    catalog: Catalog, now: datetime
) -> None:
    """And who claims it then still knows where its worker wrote."""
    async with catalog.begin() as tx:
        await writing(tx, now)
        assert not await jobs.postpone(tx, "j", "no room", now, now + LATER)  # it is held
        assert await jobs.postpone(tx, "j", "no room", now, now + LATER, gone="w")
        assert await deliveries.claimable(tx, [JobQueue.HOT], now + LATER / 2, 9) == ()
        assert await deliveries.claimable(tx, [JobQueue.HOT], now + LATER, 9) == ("j",)
        again = await claimed(tx, now + LATER)
        assert (again.attempt, again.left_behind) == (2, ("t", "r"))


async def test_an_unknown_job_is_not_found(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for wanted in (jobs.get(tx, "x"), jobs.retry(tx, "x"), jobs.cancel(tx, "x", "", now)):
            with pytest.raises(NotFound, match="there is no job x"):
                await wanted


async def test_lists_are_newest_first_in_pages(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for number in range(5):
            source = MasterSource(f"/{number}")
            queue = JobQueue.BULK if number % 2 else JobQueue.HOT
            moment = now + timedelta(seconds=number // 2)
            await submit(tx, f"j{number}", moment, source=source, queue=queue)
        first = await jobs.list_page(tx, limit=2)
        rest = await jobs.list_page(tx, limit=9, before=first[-1])
        assert [one.job_id for one in (*first, *rest)] == ["j4", "j2", "j3", "j0", "j1"]
        bulk = await jobs.list_page(tx, queue=JobQueue.BULK, limit=9)
        assert [one.job_id for one in bulk] == ["j3", "j1"]
        await jobs.cancel(tx, "j1", "", now)
        (canceled,) = await jobs.list_page(tx, states=[JobState.CANCELED], limit=9)
        assert canceled.job_id == "j1"
        assert await jobs.count(tx) == {
            (JobQueue.HOT, JobState.QUEUED): 3,
            (JobQueue.BULK, JobState.QUEUED): 1,
            (JobQueue.BULK, JobState.CANCELED): 1,
        }

"""Ingest jobs: one row per master's way in, from the wish to its end.

    queued ──claim──▶ running ──▶ done | failed | parked | canceled
                        ▲  └────▶ waiting (until `not_before`)
                        └── claim ──┘

The row is the truth; whoever delivers a job only says that there is something to claim. A claim
gives a fencing token, one more than the last: what a worker writes afterwards is written only
while that is still the row's, so that of two workers on one job one can publish. A claim lasts as
long as its lease; the worker renews it, and after that anybody may claim the job again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update

from catalog.batches import IDS_AT_ONCE, batches
from catalog.engine import Tx
from catalog.errors import CatalogConflict, Fenced, NotFound, WrongState
from catalog.job_rows import (
    JobRow,
    as_ended,
    as_paused,
    logged,
    open_key_of,
    options_of,
    record_of,
    source_of,
    was_lost,
)
from catalog.locks import Held, hold
from catalog.records import Claim, Fault, JobQueue, JobRecord, JobState, MasterSource
from catalog.schema import jobs
from catalog.upsert import upsert

_FIRST_STAGE = "start"
_LOST = "lost"  # how an attempt ended whose worker is gone
_TRIES = 3  # of one job, that another one is in the way of


# What runs in the transaction that makes a job, with its id.
Within = Callable[[Tx, str], Awaitable[None]]


async def submit(
    tx: Tx, job_id: str, source: MasterSource, *, tenant: str, queue: JobQueue, now: datetime
) -> str:
    """Queue a job and return its id; where one for the same is not over yet, that one's.

    A parked one is queued again, with all of its attempts. One among the bulk is hot from now on,
    if this is: one that runs, too, should it have to wait. CatalogConflict where others begin and
    end it all the time.
    """
    open_key = open_key_of(tenant, source)
    values = {
        "job_id": job_id,
        "tenant": tenant,
        "source": source.name,
        "options": options_of(source),
        "queue": queue,
        "state": JobState.QUEUED,
        "stage": _FIRST_STAGE,
        "stage_seconds": {},
        "open_key": open_key,
        "created_at": now,
    }
    query = select(jobs.c.job_id, jobs.c.state, jobs.c.queue).where(jobs.c.open_key == open_key)
    for _ in range(_TRIES):
        await upsert(tx, jobs, values, keys=["open_key"], update=[])
        row = (await tx.execute(query)).one_or_none()
        if row is not None:  # else the one that there was has ended in between
            break
    else:
        raise CatalogConflict(f"{source.name}: its jobs end as fast as they begin")
    if row.state == JobState.PARKED:
        with suppress(WrongState):  # somebody else has meanwhile, and a worker has it
            await retry(tx, row.job_id)
    if queue is JobQueue.HOT and row.queue == JobQueue.BULK:
        # No message was sent to the other queue: the sweep does.
        await _update(tx, row.job_id, {"queue": queue, "delivered_at": None})
    return str(row.job_id)


async def claim(
    tx: Tx,
    job_id: str,
    worker: str,
    now: datetime,
    *,
    lease_s: float,
    max_attempts: int,
    gone: str | None = None,
) -> Claim | None:
    """Take a job for a worker; None where there is nothing to do now, or somebody else does it.

    `gone` is a worker that is known to live no more: its lease counts for nothing. A job whose
    attempts were all lost is parked. NotFound where there is no such job.
    """
    row = await _locked(tx, job_id)
    is_lost = was_lost(row, now, gone)
    is_due = row.state == JobState.WAITING and row.not_before <= now
    if not (row.state == JobState.QUEUED or is_due or is_lost):
        return None
    changes: dict[str, object] = {}
    if is_lost:
        error = f"its worker {row.worker} is gone"
        changes["log"] = logged(row, now, _LOST, error)
        if row.attempts >= max_attempts:
            parked = as_ended(JobState.PARKED, f"{error}, {row.attempts} times or more", now)
            await _update(tx, job_id, changes | parked | {"fence": row.fence + 1})
            return None
    await _update(
        tx,
        job_id,
        changes
        | {
            "state": JobState.RUNNING,
            "fence": row.fence + 1,
            "attempts": row.attempts + 1,
            "worker": worker,
            "started_at": now,
            "lease_until": now + timedelta(seconds=lease_s),
            "not_before": None,
            "stage": _FIRST_STAGE,
            "stage_seconds": {},
            "progress": 0.0,
            "error": None,
            "track_id": None,
            "revision": None,
        },
    )
    left_behind = (row.track_id, row.revision) if is_lost and row.revision else None
    source = source_of(row)
    return Claim(job_id, row.fence + 1, row.attempts + 1, source, row.tenant, left_behind)


async def check_fence(tx: Tx, job_id: str, token: int) -> None:
    """Raise Fenced unless the job is still this token's; it is until the transaction ends."""
    query = select(jobs.c.job_id).where(*_is_held(job_id, token)).with_for_update()
    if (await tx.execute(query)).first() is None:
        raise Fenced(job_id)


async def renew(tx: Tx, claim: Claim, now: datetime, lease_s: float, progress: float) -> None:
    """Say that the worker lives, and how far it is. Fenced where the job is another's."""
    lease_until = now + timedelta(seconds=lease_s)
    await _change(tx, claim, {"lease_until": lease_until, "progress": progress})


async def stage(tx: Tx, claim: Claim, stage: str, seconds: float | None) -> None:
    """Say which stage a job is in and, when it is over, how many seconds it took."""
    changes: dict[str, object] = {"stage": stage}
    if seconds is not None:
        query = select(jobs.c.stage_seconds).where(jobs.c.job_id == claim.job_id)
        before = (await tx.execute(query.with_for_update())).scalar_one_or_none() or {}
        changes["stage_seconds"] = {**before, stage: seconds}
    await _change(tx, claim, changes)


async def writes(tx: Tx, claim: Claim, track_id: str, revision: str) -> None:
    """Say where objects are about to be written, should the worker die meanwhile.

    From here to the job's end `gc` deletes nothing that tracks share.
    """
    await hold(tx, Held.OBJECTS, "shared")
    await _change(tx, claim, {"track_id": track_id, "revision": revision})


async def finish(
    tx: Tx,
    job_id: str,
    now: datetime,
    *,
    outcome: str,
    master_sha256: str,
    track_id: str,
    revision: str,
) -> None:
    """End a job well. Whoever calls this has checked the fence in the same transaction.

    `catalog.publish.publish` does this for a job whose revision it publishes.
    """
    row = await _locked(tx, job_id)
    made = {"master_sha256": master_sha256, "track_id": track_id, "revision": revision}
    log = logged(row, now, JobState.DONE, None)
    changes = as_ended(JobState.DONE, None, now) | {"outcome": outcome, "progress": 1.0, "log": log}
    await _update(tx, job_id, changes | made)


async def fail(tx: Tx, claim: Claim, error: str, fault: Fault, now: datetime) -> None:
    """End a job that cannot succeed, with the one line that says why."""
    changes = as_ended(JobState.FAILED, error, now) | {"fault": fault}
    await _end_attempt(tx, claim, error, now, changes)


async def park(tx: Tx, claim: Claim, error: str, now: datetime) -> None:
    """Put a job aside that failed too often."""
    await _end_attempt(tx, claim, error, now, as_ended(JobState.PARKED, error, now))


async def wait(tx: Tx, claim: Claim, error: str, now: datetime, not_before: datetime) -> None:
    """Let a job wait that failed for something that passes."""
    changes = as_paused(JobState.WAITING, error, not_before)
    await _end_attempt(tx, claim, error, now, changes)


async def give_back(tx: Tx, claim: Claim, now: datetime) -> None:
    """Leave a job to others, because this worker ends: that attempt does not count."""
    changes = as_paused(JobState.QUEUED, None, None) | {"attempts": claim.attempt - 1}
    await _end_attempt(tx, claim, "its worker was stopped", now, changes)


async def postpone(
    tx: Tx,
    job_id: str,
    reason: str,
    now: datetime,
    not_before: datetime,
    *,
    gone: str | None = None,
) -> bool:
    """Let a job wait that nobody holds, for something that lacks here; that is no attempt.

    False where the job is not one that waits. One that was lost (`gone` as in `claim`) keeps what
    says where its worker wrote, for whoever claims it: only its lease goes on.
    """
    row = await _locked(tx, job_id)
    if was_lost(row, now, gone):
        await _update(tx, job_id, {"error": reason, "lease_until": not_before})
        return True
    is_due = row.state == JobState.WAITING and row.not_before <= now
    if not (row.state == JobState.QUEUED or is_due):
        return False
    await _update(tx, job_id, as_paused(JobState.WAITING, reason, not_before))
    return True


async def retry(tx: Tx, job_id: str) -> JobRecord:
    """Queue a job again that failed, was parked or canceled, or waits; attempts count anew.

    WrongState for one that runs or is done, or where another job is for the same master.
    """
    row = await _locked(tx, job_id)
    if row.state in {JobState.RUNNING, JobState.DONE}:
        raise WrongState(job_id, f"is {row.state}: there is nothing to try again")
    if row.state != JobState.QUEUED:
        open_key = open_key_of(row.tenant, source_of(row))
        query = select(jobs.c.job_id).where(jobs.c.open_key == open_key, jobs.c.job_id != job_id)
        if other := (await tx.execute(query)).scalar_one_or_none():
            raise WrongState(job_id, f"is for the same master as job {other}, which is not over")
        again = {"attempts": 0, "delivered_at": None, "finished_at": None, "open_key": open_key}
        await _update(tx, job_id, as_paused(JobState.QUEUED, None, None) | again)
    return await get(tx, job_id)


async def cancel(tx: Tx, job_id: str, why: str, now: datetime) -> JobRecord:
    """End a job that is not over; its worker, if it has one, finds out by its next renewal."""
    row = await _locked(tx, job_id)
    if row.state in {JobState.DONE, JobState.FAILED}:
        raise WrongState(job_id, f"is {row.state}: it cannot be canceled any more")
    if row.state != JobState.CANCELED:
        changes = as_ended(JobState.CANCELED, why, now) | {"fence": row.fence + 1}
        if row.state == JobState.RUNNING:
            changes["log"] = logged(row, now, JobState.CANCELED, why)
        await _update(tx, job_id, changes)
    return await get(tx, job_id)


async def get(tx: Tx, job_id: str) -> JobRecord:
    """Read a job; NotFound where there is none."""
    row = (await tx.execute(select(jobs).where(jobs.c.job_id == job_id))).one_or_none()
    if row is None:
        raise NotFound("job", job_id)
    return record_of(row)


async def get_many(tx: Tx, job_ids: Sequence[str]) -> dict[str, JobRecord]:
    """Read several jobs; those that there are not are not in the answer."""
    found: dict[str, JobRecord] = {}
    for some in batches(job_ids, IDS_AT_ONCE):
        rows = await tx.execute(select(jobs).where(jobs.c.job_id.in_(some)))
        found |= {row.job_id: record_of(row) for row in rows}
    return found


async def get_all(tx: Tx, job_ids: Sequence[str]) -> list[JobRecord]:
    """Read several jobs, in that order; NotFound where one is gone."""
    found = await get_many(tx, job_ids)
    for job_id in job_ids:
        if job_id not in found:
            raise NotFound("job", job_id)
    return [found[job_id] for job_id in job_ids]


async def begin_with(tx: Tx, start: str, limit: int) -> tuple[JobRecord, ...]:
    """Read jobs by the beginning of their ids."""
    # Ids are hex digits: nothing sorts behind those that begin so but before their start and a g.
    query = select(jobs).where(jobs.c.job_id >= start, jobs.c.job_id < f"{start}g")
    query = query.order_by(jobs.c.job_id).limit(limit)
    return tuple(record_of(row) for row in await tx.execute(query))


async def list_page(
    tx: Tx,
    *,
    states: Sequence[JobState] = (),
    queue: JobQueue | None = None,
    before: JobRecord | None = None,
    limit: int,
) -> tuple[JobRecord, ...]:
    """Read jobs in these states (any, where none is named), the newest first."""
    query = select(jobs).order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(limit)
    if states:
        query = query.where(jobs.c.state.in_(states))
    if queue is not None:
        query = query.where(jobs.c.queue == queue)
    if before is not None:
        at = jobs.c.created_at
        is_older = (at < before.created_at) | (
            (at == before.created_at) & (jobs.c.job_id > before.job_id)
        )
        query = query.where(at <= before.created_at, is_older)  # the first one finds the place
    return tuple(record_of(row) for row in await tx.execute(query))


async def count(tx: Tx) -> dict[tuple[JobQueue, JobState], int]:
    """Count the jobs that are not done, by queue and state."""
    query = (
        select(jobs.c.queue, jobs.c.state, func.count())
        .where(jobs.c.state.in_(set(JobState) - {JobState.DONE}))  # not all that are done
        .group_by(jobs.c.queue, jobs.c.state)
    )
    return {(JobQueue(row[0]), JobState(row[1])): row[2] for row in await tx.execute(query)}


async def _locked(tx: Tx, job_id: str) -> JobRow:
    """Read a row for a change (on SQLite the writer is alone)."""
    query = select(jobs).where(jobs.c.job_id == job_id).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound("job", job_id)
    return row


async def _end_attempt(
    tx: Tx, claim: Claim, error: str, now: datetime, changes: Mapping[str, object]
) -> None:
    row = await _locked(tx, claim.job_id)
    log = logged(row, now, str(changes["state"]), error)
    await _change(tx, claim, {**changes, "log": log})


async def _change(tx: Tx, claim: Claim, changes: Mapping[str, object]) -> None:
    """Write what only the job's holder may."""
    query = update(jobs).where(*_is_held(claim.job_id, claim.token)).values(**changes)
    if (await tx.execute(query)).rowcount == 0:
        raise Fenced(claim.job_id)


async def _update(tx: Tx, job_id: str, changes: Mapping[str, object]) -> None:
    await tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(**changes))


def _is_held(job_id: str, token: int) -> tuple[ColumnElement[bool], ...]:
    return (jobs.c.job_id == job_id, jobs.c.fence == token, jobs.c.state == JobState.RUNNING)

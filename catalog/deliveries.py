"""Which jobs there is something to do for: what a worker looks for, and what a broker is told.

A broker may lose a message; the row is still there, and a sweep sends it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from catalog.batches import IDS_AT_ONCE, batches
from catalog.engine import Tx
from catalog.records import JobQueue, JobState
from catalog.schema import jobs


async def claimable(
    tx: Tx, queues: Sequence[JobQueue], now: datetime, limit: int
) -> tuple[str, ...]:
    """Ids of jobs that may be claimed now: in the order of the queues, the oldest first."""
    found: list[str] = []
    for queue in queues:
        for may in (jobs.c.state == JobState.QUEUED, _passed(now)):
            query = (
                select(jobs.c.job_id)
                .where(jobs.c.queue == queue, may)
                .order_by(jobs.c.created_at, jobs.c.job_id)
                .limit(limit - len(found))
            )
            found += (await tx.execute(query)).scalars() if len(found) < limit else ()
    return tuple(found)


async def count_queued(tx: Tx, queue: JobQueue) -> int:
    """How many jobs of a queue wait for a worker, so how many messages there should be."""
    query = select(func.count()).where(jobs.c.queue == queue, jobs.c.state == JobState.QUEUED)
    return int((await tx.execute(query)).scalar_one())


async def count_ahead(tx: Tx, queue: JobQueue) -> float:
    """How many jobs workers do before one that is queued now: of what runs, half is still to do.

    A bulk one waits for all hot ones, too.
    """
    before = [JobQueue.HOT] if queue is JobQueue.HOT else list(JobQueue)
    count = select(func.count()).select_from(jobs)
    queued = count.where(jobs.c.state == JobState.QUEUED, jobs.c.queue.in_(before))
    running = count.where(jobs.c.state == JobState.RUNNING)
    both = select(queued.scalar_subquery(), running.scalar_subquery())
    waiting, begun = (await tx.execute(both)).one()
    return float(waiting + begun / 2)


async def oldest_queued(tx: Tx, queue: JobQueue) -> datetime | None:
    """Since when the job waits that has waited the longest for a worker; None where none does."""
    query = (
        select(jobs.c.created_at)
        .where(jobs.c.queue == queue, jobs.c.state == JobState.QUEUED)
        .order_by(jobs.c.created_at)
        .limit(1)
    )
    found: datetime | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def undelivered(
    tx: Tx, queue: JobQueue, now: datetime, *, after_s: float, limit: int
) -> tuple[str, ...]:
    """Ids of queued jobs that no message was sent for in this time, the oldest first."""
    query = (
        select(jobs.c.job_id)
        .where(jobs.c.queue == queue, jobs.c.state == JobState.QUEUED, _not_since(now, after_s))
        .order_by(jobs.c.created_at, jobs.c.job_id)
        .limit(limit)
    )
    return tuple((await tx.execute(query)).scalars())


async def overdue(
    tx: Tx, queue: JobQueue, now: datetime, *, after_s: float, limit: int
) -> tuple[str, ...]:
    """Ids of jobs whose wait is over or whose worker is gone, and no message was sent lately."""
    query = (
        select(jobs.c.job_id)
        .where(jobs.c.queue == queue, _passed(now), _not_since(now, after_s))
        .order_by(jobs.c.created_at, jobs.c.job_id)
        .limit(limit)
    )
    return tuple((await tx.execute(query)).scalars())


async def mark_delivered(tx: Tx, job_ids: Sequence[str], now: datetime) -> None:
    """Remember that messages are sent for these."""
    for some in batches(job_ids, IDS_AT_ONCE):
        await tx.execute(update(jobs).where(jobs.c.job_id.in_(some)).values(delivered_at=now))


def _passed(now: datetime) -> ColumnElement[bool]:
    """Its wait or its worker's lease is over."""
    return or_(
        and_(jobs.c.state == JobState.WAITING, jobs.c.not_before <= now),
        and_(jobs.c.state == JobState.RUNNING, jobs.c.lease_until <= now),
    )


def _not_since(now: datetime, after_s: float) -> ColumnElement[bool]:
    before = now - timedelta(seconds=after_s)
    return or_(jobs.c.delivered_at.is_(None), jobs.c.delivered_at <= before)

"""Ingest jobs: one row per master's way in, from its start to its end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Row, select, update

from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.records import JobRecord, JobState
from catalog.schema import jobs
from catalog.upsert import upsert

_FIRST_STAGE = "start"


async def start(tx: Tx, job_id: str, tenant: str, source: str, now: datetime) -> None:
    """Begin a job, or begin it again: what an earlier run of the same id recorded is forgotten."""
    values: dict[str, object] = {
        "job_id": job_id,
        "tenant": tenant,
        "source": source,
        "state": JobState.RUNNING,
        "stage": _FIRST_STAGE,
        "stage_seconds": {},
        "master_sha256": None,
        "track_id": None,
        "revision": None,
        "error": None,
        "started_at": now,
        "finished_at": None,
    }
    await upsert(tx, jobs, values, keys=["job_id"], update=list(values)[1:])


async def stage(tx: Tx, job_id: str, stage: str, seconds: float | None) -> None:
    """Say which stage a job is in and, when it is over, how many seconds it took."""
    changes: dict[str, object] = {"stage": stage}
    if seconds is not None:
        # Locked, so that another process's stage is not lost (on SQLite the writer is alone).
        query = select(jobs.c.stage_seconds).where(jobs.c.job_id == job_id).with_for_update()
        before = (await tx.execute(query)).scalar_one_or_none() or {}
        changes["stage_seconds"] = {**before, stage: seconds}
    await _change(tx, job_id, changes)


async def fail(tx: Tx, job_id: str, error: str, now: datetime) -> None:
    """End a job with the one line that says why."""
    await _change(tx, job_id, {"state": JobState.FAILED, "error": error, "finished_at": now})


async def finish(
    tx: Tx,
    job_id: str,
    now: datetime,
    *,
    master_sha256: str | None = None,
    track_id: str | None = None,
    revision: str | None = None,
) -> None:
    """End a job well. `catalog.publish.publish` does this for a job whose revision it publishes."""
    await _change(
        tx,
        job_id,
        {
            "state": JobState.DONE,
            "error": None,
            "finished_at": now,
            "master_sha256": master_sha256,
            "track_id": track_id,
            "revision": revision,
        },
    )


async def get(tx: Tx, job_id: str) -> JobRecord:
    """Read a job; NotFound where there is none."""
    row = (await tx.execute(select(jobs).where(jobs.c.job_id == job_id))).one_or_none()
    if row is None:
        raise NotFound("job", job_id)
    return _record(row)


async def recent(tx: Tx, limit: int) -> tuple[JobRecord, ...]:
    """Read the jobs that were started last, the newest first."""
    query = select(jobs).order_by(jobs.c.started_at.desc(), jobs.c.job_id).limit(limit)
    return tuple(_record(row) for row in await tx.execute(query))


async def _change(tx: Tx, job_id: str, changes: dict[str, object]) -> None:
    done = await tx.execute(update(jobs).where(jobs.c.job_id == job_id).values(**changes))
    if done.rowcount == 0:
        raise NotFound("job", job_id)


def _record(row: Row[tuple[object, ...]]) -> JobRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return JobRecord(**{**values, "state": JobState(row.state)})

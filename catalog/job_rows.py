"""What a job's row holds: how it becomes a record, and what is written where its state changes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Row

from catalog.records import AttemptRecord, Fault, JobQueue, JobRecord, JobState, MasterSource

JobRow = Row[tuple[object, ...]]

_KEPT_ATTEMPTS = 20  # in a row's log; older ones are forgotten


def record_of(row: JobRow) -> JobRecord:
    """The job as its readers have it."""
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    for name in ("options", "open_key"):
        del values[name]
    log = tuple(
        AttemptRecord(
            **{
                **one,
                "started_at": datetime.fromisoformat(one["started_at"]),
                "ended_at": datetime.fromisoformat(one["ended_at"]),
            }
        )
        for one in values["log"]
    )
    typed = {
        "source": source_of(row),
        "queue": JobQueue(row.queue),
        "state": JobState(row.state),
        "fault": Fault(row.fault) if row.fault else None,
        "log": log,
    }
    return JobRecord(**{**values, **typed})


def source_of(row: JobRow) -> MasterSource:
    """Which master it is for."""
    return MasterSource(row.source, **row.options)


def options_of(source: MasterSource) -> dict[str, str]:
    """What a row keeps of a source beside its name."""
    values = asdict(source)
    del values["name"]
    return {name: value for name, value in values.items() if value is not None}


def open_key_of(tenant: str, source: MasterSource) -> str:
    """What only one job at a time may have: hashed, whose master and which."""
    values = asdict(source)
    if source.upload_id is None:  # as before there were uploads: jobs of then may still be open
        del values["upload_id"]
    text = json.dumps([tenant, values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def was_lost(row: JobRow, now: datetime, gone: str | None) -> bool:
    """Whether whoever held it is no more, or has said nothing for too long."""
    return bool(row.state == JobState.RUNNING and (row.lease_until <= now or row.worker == gone))


def as_paused(state: JobState, error: str | None, not_before: datetime | None) -> dict[str, object]:
    """The changes for a job that is nobody's for now."""
    return {
        "state": state,
        "error": error,
        "fault": None,
        "not_before": not_before,
        "lease_until": None,
        "progress": 0.0,
        "track_id": None,
        "revision": None,
    }


def as_ended(state: JobState, error: str | None, now: datetime) -> dict[str, object]:
    """The changes for a job that is over; a parked one still keeps others from its master."""
    is_open = {} if state is JobState.PARKED else {"open_key": None}
    return as_paused(state, error, None) | {"finished_at": now} | is_open


def logged(row: JobRow, now: datetime, ended: str, error: str | None) -> list[dict[str, object]]:
    """A row's log, with the attempt that is over now."""
    entry = {
        "attempt": row.attempts,
        "worker": row.worker,
        "started_at": row.started_at.isoformat(),
        "ended_at": now.isoformat(),
        "ended": str(ended),
        "stage": row.stage,
        "stage_seconds": row.stage_seconds,
        "error": error,
    }
    return [*row.log, entry][-_KEPT_ATTEMPTS:]

"""How a job shows: as a line, as fields, as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from catalog.records import JobRecord, JobState
from pipeline.cli.output import instant


def job_line(record: JobRecord) -> tuple[str, ...]:
    """A row of a table: id, queue, state, how far, attempts, master, and why not."""
    how_far = f"{record.stage} {record.progress:.0%}" if record.state is JobState.RUNNING else ""
    return (
        record.job_id[:12],
        record.queue,
        record.state,
        how_far,
        f"{record.attempts}x",
        record.source.name,
        record.outcome or record.error or "",
    )


def job_fields(record: JobRecord) -> dict[str, object]:
    """All of it but the log, for people."""
    seconds = ", ".join(f"{stage} {taken:.1f}" for stage, taken in record.stage_seconds.items())
    made = f"{record.track_id}/{record.revision}" if record.revision else None
    return {
        "job": record.job_id,
        "master": record.source.name,
        "tenant": record.tenant,
        "queue": record.queue,
        "state": record.state,
        "outcome": record.outcome,
        "error": record.error,
        "not before": _instant(record.not_before),
        "made": made if record.state is JobState.DONE else None,
        "stage": record.stage,
        "progress": f"{record.progress:.0%}",
        "seconds": seconds or None,
        "attempts": record.attempts,
        "worker": record.worker,
        "lease until": _instant(record.lease_until),
        "created": _instant(record.created_at),
        "started": _instant(record.started_at),
        "finished": _instant(record.finished_at),
    }


def log_lines(record: JobRecord) -> Iterator[tuple[str, ...]]:
    """The attempts that are over, the oldest first."""
    for one in record.log:
        seconds = (one.ended_at - one.started_at).total_seconds()
        yield (
            instant(one.started_at),
            f"attempt {one.attempt}",
            one.ended,
            f"in {one.stage} after {seconds:.1f} s",
            one.worker,
            one.error or "",
        )


def job_object(record: JobRecord) -> dict[str, object]:
    """What `--json` prints."""
    values = asdict(record)
    del values["delivered_at"]
    source = values.pop("source")
    log = [_written(one) for one in values.pop("log")]
    return _written(values) | {
        "source": source["name"],
        "operator_id": source["operator_id"],
        "scheme": source["scheme"],
        "log": log,
    }


def _written(values: dict[str, object]) -> dict[str, object]:
    return {
        name: instant(value) if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _instant(value: datetime | None) -> str | None:
    return None if value is None else instant(value)

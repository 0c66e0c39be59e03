"""A job that a worker holds."""

from __future__ import annotations

from datetime import datetime

from catalog import jobs
from catalog.engine import Tx
from catalog.records import Claim, JobQueue, MasterSource


async def running_job(tx: Tx, job_id: str, now: datetime, source: str = "/masters/a.flac") -> Claim:
    """Submit it and claim it."""
    await jobs.submit(
        tx, job_id, MasterSource(source), tenant="default", queue=JobQueue.HOT, now=now
    )
    held = await jobs.claim(tx, job_id, "w", now, lease_s=60, max_attempts=5)
    assert held is not None
    return held

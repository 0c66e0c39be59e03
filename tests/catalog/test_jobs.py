"""The life of a job."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from catalog import jobs
from catalog.engine import Catalog
from catalog.errors import NotFound
from catalog.records import JobRecord, JobState


async def test_a_job_from_start_to_end(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await jobs.start(tx, "j", "default", "/a.flac", now)
        assert await jobs.get(tx, "j") == JobRecord(
            "j", "default", "/a.flac", JobState.RUNNING, "start", now
        )
        await jobs.stage(tx, "j", "probe", None)
        assert (await jobs.get(tx, "j")).stage == "probe"
        await jobs.stage(tx, "j", "probe", 0.5)
        await jobs.stage(tx, "j", "encode", 20.25)
        await jobs.finish(tx, "j", now, track_id="t", revision="r", master_sha256="m")
        done = await jobs.get(tx, "j")
    assert done.stage_seconds == {"probe": 0.5, "encode": 20.25}
    assert (done.state, done.track_id, done.revision) == (JobState.DONE, "t", "r")


async def test_a_failed_job_says_why_and_starts_afresh(catalog: Catalog, now: datetime) -> None:
    later = now + timedelta(hours=1)
    async with catalog.begin() as tx:
        await jobs.start(tx, "j", "default", "/a.flac", now)
        await jobs.stage(tx, "j", "encode", 1.0)
        await jobs.fail(tx, "j", "/a.flac: no space left on device", later)
        failed = await jobs.get(tx, "j")
        assert (failed.state, failed.finished_at) == (JobState.FAILED, later)
        assert failed.error == "/a.flac: no space left on device"
        await jobs.start(tx, "j", "default", "/b.flac", later)
        assert await jobs.get(tx, "j") == JobRecord(
            "j", "default", "/b.flac", JobState.RUNNING, "start", later
        )


async def test_an_unknown_job_is_not_found(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for wanted in (
            jobs.get(tx, "x"),
            jobs.stage(tx, "x", "probe", 1.0),
            jobs.fail(tx, "x", "", now),
            jobs.finish(tx, "x", now),
        ):
            with pytest.raises(NotFound, match="there is no job x"):
                await wanted


async def test_the_newest_jobs_come_first(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for n in range(5):
            await jobs.start(tx, f"j{n}", "default", "/a", now + timedelta(seconds=n))
        assert [one.job_id for one in await jobs.recent(tx, 3)] == ["j4", "j3", "j2"]

"""What a worker finds to do beside what waits: jobs of those that were killed here."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from catalog import jobs
from catalog.records import JobQueue, JobState, MasterSource
from configs.ladder import load_ladder
from configs.settings import JobSettings
from pipeline.bench import Bench, Shunned, work
from pipeline.disk import Needs, lacking_space
from pipeline.ffmpeg.binaries import Tools
from pipeline.masters import Masters
from pipeline.progress import Progress
from pipeline.worker_name import this_worker
from tests.support import ladders, masters
from tests.support.workshop import Recorder, workshop

_KEPT_OUT = "CREATE TRIGGER no BEFORE UPDATE ON jobs BEGIN SELECT raise(ABORT, 'full'); END"
_NAME = "from pipeline.worker_name import this_worker; print(this_worker())"


def name_of_the_dead() -> str:
    command = [sys.executable, "-c", _NAME]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("is_dead", [True, False])
async def test_a_job_of_a_killed_process_waits_for_no_lease(
    tools: Tools, tmp_path: Path, *, is_dead: bool
) -> None:
    dead = name_of_the_dead()
    async with workshop(tmp_path / "home", tools) as shop:
        async with shop.catalog.begin() as tx:
            source = MasterSource("/masters/a.wav")
            await jobs.submit(
                tx, "1", source, tenant="default", queue=JobQueue.HOT, now=shop.clock()
            )
            worker = dead if is_dead else this_worker()
            await jobs.claim(tx, "1", worker, shop.clock(), lease_s=60, max_attempts=5)
        bench = Bench(shop, Recorder(), Masters())
        assert await bench.next([JobQueue.HOT]) == ()
        assert await bench.abandoned([JobQueue.HOT]) == (("1",) if is_dead else ())
        assert await bench.abandoned([JobQueue.BULK]) == ()  # a worker's queues are its own


def more_than_is_free(folder: Path) -> JobSettings:
    """Settings by which a disk is full."""
    there = os.statvfs(folder)
    free, whole = there.f_bavail * there.f_frsize, there.f_blocks * there.f_frsize
    return JobSettings(min_free_bytes=(free + whole) // 2)


async def test_no_work_begins_where_there_is_no_room(
    tools: Tools, wav: Path, tmp_path: Path
) -> None:
    asked = more_than_is_free(tmp_path)
    whole = os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    async with workshop(tmp_path / "home", tools, jobs=asked) as shop:
        async with shop.catalog.begin() as tx:
            source = MasterSource(str(wav))
            await jobs.submit(
                tx, "1", source, tenant="default", queue=JobQueue.HOT, now=shop.clock()
            )
        said = Recorder()
        bench = Bench(shop, said, Masters())
        assert not await bench.do("1")
        async with shop.catalog.connect() as tx:
            record = await jobs.get(tx, "1")
        assert (record.state, record.attempts, record.log) == (JobState.WAITING, 0, ())
        assert record.error is not None
        assert "are needed" in record.error
        assert said.warnings == [f"song.wav: waits for room: {record.error}"]
        assert said.events == []
        assert await bench.next([JobQueue.HOT]) == ()
        later = replace(shop, clock=lambda: shop.clock() + timedelta(minutes=1))
        assert await Bench(later, said, Masters()).next([JobQueue.HOT]) == ("1",)
    assert lacking_space([tmp_path], 0, Needs()) is None
    assert lacking_space([tmp_path], whole + 1, Needs()) is None  # no wait would help


def test_folders_on_one_disk_need_their_room_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SimpleNamespace(f_bavail=100, f_frsize=1, f_blocks=1000)
    monkeypatch.setattr("pipeline.disk.os.statvfs", lambda _: disk)
    folders = [tmp_path / "tmp", tmp_path / "storage"]
    needs = Needs.of(Path("a.flac"), 10, is_copied=False, is_archived=False)
    assert lacking_space(folders[:1], 30, needs) is None
    assert lacking_space(folders, 10, needs) is None
    said = lacking_space(folders, 11, needs)
    assert said == f"{folders[0]}: 100 bytes free, 101 bytes are needed"
    plain = Needs.of(Path("a.WAV"), 10, is_copied=True, is_archived=True)
    assert (plain.temp, plain.stored) == (40, 40)


async def test_a_full_disk_is_not_written_to_for_each_job_that_waits(
    tools: Tools, wav: Path, tmp_path: Path
) -> None:
    async with workshop(tmp_path / "home", tools, jobs=more_than_is_free(tmp_path)) as shop:
        async with shop.catalog.begin() as tx:
            for job_id in "12345":
                await jobs.submit(
                    tx,
                    job_id,
                    MasterSource(f"{wav}{job_id}"),
                    tenant="default",
                    queue=JobQueue.HOT,
                    now=shop.clock(),
                )
        stop, said = asyncio.Event(), Recorder()
        asyncio.get_running_loop().call_later(0.4, stop.set)
        await work(Bench(shop, said, Masters()), [JobQueue.HOT], 1, stop)
        async with shop.catalog.connect() as tx:
            states = [one.state for one in await jobs.get_all(tx, [*"12345"])]
    assert len(said.warnings) == 1, said.warnings
    assert states.count(JobState.WAITING) == 1


class _Telling(Recorder):
    """A reporter that does something when work on a master begins."""

    def __init__(self, begun: Callable[[], object]) -> None:
        super().__init__()
        self._begun = begun

    def progress(self, event: Progress) -> None:
        super().progress(event)
        self._begun()


@pytest.mark.parametrize("is_patient", [True, False])
async def test_a_worker_that_is_stopped_begins_nothing_more(
    tools: Tools, tmp_path: Path, *, is_patient: bool
) -> None:
    """And ends what it has; one that is canceled gives it back."""
    ids = {"first": JobQueue.HOT, "second": JobQueue.HOT, "bulk": JobQueue.BULK}
    async with workshop(tmp_path / "home", tools, jobs=JobSettings(min_free_bytes=0)) as made:
        shop = replace(made, ladder=load_ladder(ladders.FAST))
        async with shop.catalog.begin() as tx:
            for number, (job_id, queue) in enumerate(ids.items()):
                path = masters.wav(tmp_path / f"{job_id}.wav", masters.music(1.2, seed=number))
                now = shop.clock() + timedelta(microseconds=number)
                source = MasterSource(str(path))
                await jobs.submit(tx, job_id, source, tenant="default", queue=queue, now=now)
        stop = asyncio.Event()
        reporter = _Telling(lambda: stop.set() if is_patient else working.cancel())
        bench = Bench(shop, reporter, Masters())
        working = asyncio.create_task(work(bench, [JobQueue.HOT], 1, stop))
        await asyncio.wait({working})
        assert working.cancelled() is not is_patient
        async with shop.catalog.connect() as tx:
            records = await jobs.get_all(tx, [*ids])
        states = [(one.state, one.attempts) for one in records]
        queued = (JobState.QUEUED, 0)
        assert states == [(JobState.DONE, 1) if is_patient else queued, queued, queued]
        said = [one.error for one in records[0].log]
        assert said == [None if is_patient else "its worker was stopped"]
        assert is_patient is any((tmp_path / "home" / "storage").rglob("*.mp4"))


async def test_a_row_that_cannot_be_written_is_let_be_for_longer_and_longer(
    tools: Tools, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The catalog can be read, and not written: no tight loop, no flood of warnings."""
    async with workshop(tmp_path / "home", tools) as shop:
        async with shop.catalog.begin() as tx:
            await jobs.submit(
                tx,
                "1",
                MasterSource("/masters/a.wav"),
                tenant="default",
                queue=JobQueue.HOT,
                now=shop.clock(),
            )
        with closing(sqlite3.connect(tmp_path / "home" / "catalog.db")) as database:
            database.execute(_KEPT_OUT)
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, stop.set)
        await work(Bench(shop, Recorder(), Masters()), [JobQueue.HOT], 2, stop)
    assert caplog.text.count("job 1:") == 1, caplog.text
    shunned = Shunned()
    for at, until in ((0.0, 2.0), (2.0, 6.0), (6.0, 14.0)):
        shunned.tell("1", at, is_well=False)
        assert (shunned.now(until - 0.1), shunned.now(until)) == ({"1"}, set())
    shunned.tell("1", 14, is_well=True)
    shunned.tell("1", 15, is_well=False)
    assert shunned.now(17) == set()

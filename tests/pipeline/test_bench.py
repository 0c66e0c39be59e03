"""What a worker finds to do beside what waits: jobs of those that were killed here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from catalog import jobs
from catalog.records import JobQueue, MasterSource
from pipeline.bench import Bench
from pipeline.ffmpeg.binaries import Tools
from pipeline.masters import Masters
from pipeline.worker_name import this_worker
from tests.support.workshop import Recorder, workshop

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
        assert await bench.abandoned() == (("1",) if is_dead else ())

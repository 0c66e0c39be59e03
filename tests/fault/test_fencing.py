"""A worker that hangs while its job is given to another may publish nothing when it comes back."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.servers.processes import tree
from tests.support import masters
from tests.support.farm import Farm, farm, wait_until

pytestmark = [pytest.mark.slow]


def test_two_workers_on_one_job_publish_once(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "long.wav", masters.music(25))
    with farm(tmp_path, JOBS__LEASE_S="2") as workers:
        (job,) = workers.submit([path])
        hanging = workers.worker()
        wait_until(lambda: workers.is_encoding(job))
        _signal(workers, hanging, signal.SIGSTOP)
        other = workers.worker()  # takes it when the lease is over
        wait_until(workers.all_over)
        _signal(workers, hanging, signal.SIGCONT)
        wait_until(lambda: not list((workers.home / "tmp").glob("ingest-*/[0-9]*")))
        workers.check(1)
        record = workers.job(job)
        assert [one.ended for one in record.log] == ["lost", "done"]
        assert f":{other.pid}@" in str(record.worker)


def test_two_processes_with_one_new_master_make_one_revision(tmp_path: Path) -> None:
    path = masters.wav(tmp_path / "song.wav", masters.music(4))
    twin = tmp_path / "twin.wav"
    twin.write_bytes(path.read_bytes())
    with farm(tmp_path) as both:
        both.run("jobs", "list", code=1)  # no catalog yet: both make it
        first, second = both.start("ingest", path), both.start("ingest", twin)
        assert (first.wait(120), second.wait(120)) == (0, 0), (tmp_path / "said").read_text()
        both.check(1)
        assert sorted(str(one.outcome) for one in both.jobs()) == ["published", "unchanged"]


def _signal(workers: Farm, process: subprocess.Popen[bytes], number: int) -> None:
    for pid in tree(process.pid):
        os.kill(pid, number)

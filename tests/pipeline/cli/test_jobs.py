"""`headwater jobs` beside a worker: a back catalog, and a release that overtakes it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from catalog import jobs
from catalog.records import Fault, JobQueue, JobState, MasterSource
from pipeline.cli import main
from pipeline.cli.compose import open_deps
from tests.support import masters
from tests.support.cli_home import NOW, Home
from tests.support.farm import Farm, album, farm, wait_until
from tests.support.origin_process import headwater

pytestmark = [pytest.mark.slow]


@dataclass(frozen=True)
class Day:
    """A back catalog was queued, then a release; then a worker began, and did it all."""

    workers: Farm
    bulk: list[str]
    hot: list[str]
    bad: str
    queued: list[dict[str, Any]]  # `jobs list --json` before the worker began
    watched: list[dict[str, Any]]  # what `jobs watch --json` printed
    watch_code: int

    def run(self, *arguments: str, code: int = 0) -> Result:
        return run(self.workers, *arguments, code=code)


def run(workers: Farm, *arguments: str, code: int = 0) -> Result:
    """In this process: a start of its own would take longer than all it does."""
    done = CliRunner().invoke(main, ["jobs", *arguments], env=workers.environment)
    assert done.exit_code == code, done.stderr
    return done


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    folder = tmp_path_factory.mktemp("day")
    paths = album(folder / "in", 4)
    broken = folder / "in" / "broken.wav"
    broken.write_bytes(b"RIFF, it says")
    with farm(folder) as workers:
        *bulk, bad = workers.submit([*paths[:2], broken], "--queue", "bulk")
        hot = workers.submit(paths[2:])
        queued = objects(run(workers, "list", "--json").stdout)
        with subprocess.Popen(
            headwater("jobs", "watch", "--json"), env=workers.environment, stdout=subprocess.PIPE
        ) as watch:
            assert watch.stdout is not None
            first = watch.stdout.readline()  # it looks
            workers.worker()
            said = (first + watch.stdout.read()).decode()
        yield Day(workers, bulk, hot, bad, queued, objects(said), watch.returncode)


def test_a_hot_release_overtakes_the_back_catalog(day: Day) -> None:
    rows = sorted(day.workers.jobs(), key=lambda one: str(one.finished_at))
    assert [one.job_id for one in rows] == [*day.hot, *day.bulk, day.bad]


def test_the_list_is_the_newest_first_and_may_be_asked_for_less(day: Day) -> None:
    order = [*reversed(day.hot), day.bad, *reversed(day.bulk)]
    assert [one["job_id"] for one in day.queued] == order
    assert {one["state"] for one in day.queued} == {"queued"}
    assert [one["queue"] for one in day.queued] == ["hot", "hot", "bulk", "bulk", "bulk"]
    failed = day.run("list", "--state", "failed")
    assert failed.stdout.split()[:3] == [day.bad[:12], "bulk", "failed"]
    assert "broken.wav" in failed.stdout
    assert failed.stderr.strip() == "1 bulk failed"  # what is done is not counted
    hot = objects(day.run("list", "--queue", "hot", "--limit", "1", "--json").stdout)
    assert [one["job_id"] for one in hot] == day.hot[-1:]


def test_a_job_shows_its_stages_and_its_attempts(day: Day) -> None:
    shown = day.run("show", day.hot[0][:10]).stdout
    assert all(word in shown for word in ("published", "encode", "attempt 1", "02.wav"))
    (one,) = objects(day.run("show", day.hot[0], "--json").stdout)
    assert list(one["stage_seconds"]) == ["probe", "encode", "package", "store", "publish"]
    assert all(seconds >= 0 for seconds in one["stage_seconds"].values())
    assert [each["ended"] for each in one["log"]] == ["done"]
    bad = day.run("show", day.bad).stdout
    assert "broken.wav" in bad
    assert "failed" in bad


def test_a_watch_tells_each_change_until_all_are_over(day: Day) -> None:
    assert day.watch_code == 1  # one of them failed
    last = {one["job_id"]: one["state"] for one in day.watched}
    assert last == {**dict.fromkeys([*day.hot, *day.bulk], "done"), day.bad: "failed"}
    seen = [one["state"] for one in day.watched if one["job_id"] == day.bulk[0]]
    assert seen[0] == "queued"
    assert seen[-1] == "done"
    assert day.run("watch", day.hot[0]).stdout.count("\n") == 1  # it is over: said once
    nothing = day.run("watch")
    assert (nothing.stdout, nothing.stderr) == ("", "nothing waits or runs\n")
    assert day.run("retry", "--parked").stderr == "nothing is parked\n"


def test_names_that_lead_nowhere_or_to_several_jobs(day: Day) -> None:
    assert "zz" in day.run("show", "zz", code=1).stderr
    assert "several jobs" in day.run("show", "", code=1).stderr
    assert "is failed" in day.run("cancel", day.bad, code=1).stderr
    assert "is done" in day.run("retry", day.hot[0], code=1).stderr


def test_a_canceled_job_may_be_queued_again(tmp_path: Path) -> None:
    with farm(tmp_path) as workers:
        (job,) = workers.submit(album(tmp_path / "in", 1))
        run(workers, "cancel", job[:8])
        again = objects(run(workers, "retry", job, "--json").stdout)
        assert [(one["state"], one["attempts"]) for one in again] == [("queued", 0)]


def test_a_worker_ends_what_it_has_when_told_once_and_at_once_when_told_twice(
    tmp_path: Path,
) -> None:
    long = masters.wav(tmp_path / "long.wav", np.tile(masters.music(4.0), (40, 1)))
    with farm(tmp_path) as workers:
        worker = workers.worker()
        (job,) = workers.submit([long])
        wait_until(lambda: workers.is_encoding(job))
        worker.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(0.5)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
        record = workers.job(job)
        assert (record.state, record.attempts) == (JobState.QUEUED, 0)
        assert "is given back" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("page", [1, 2, 500])
async def test_all_that_are_parked_are_queued_again_and_what_failed_by_its_name(
    home: Home, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("pipeline.cli.jobs._PAGE", page)
    async with open_deps(home.settings) as deps, deps.catalog.begin() as tx:
        for name in ("p1", "p2", "failed", "waits"):
            source, queue = MasterSource(f"/{name}.wav"), JobQueue.BULK
            await jobs.submit(tx, name, source, tenant="default", queue=queue, now=NOW)
            if name == "waits":
                continue
            held = await jobs.claim(tx, name, "w", NOW, lease_s=60, max_attempts=3)
            assert held is not None
            if name == "failed":
                await jobs.fail(tx, held, "no master", Fault.MASTER, NOW)
            else:
                await jobs.park(tx, held, "the storage is away", NOW)
    run = partial(asyncio.to_thread, home.run, "jobs")
    said = objects((await run("retry", "--parked", "--json")).stdout)
    assert {one["job_id"]: one["state"] for one in said} == {"p1": "queued", "p2": "queued"}
    assert {one["attempts"] for one in said} == {0}
    listed = objects((await run("list", "--json")).stdout)
    states = {one["job_id"]: one["state"] for one in listed}
    assert states == {"p1": "queued", "p2": "queued", "failed": "failed", "waits": "queued"}
    assert (await run("retry", "--parked")).stdout == ""
    (failed,) = objects((await run("retry", "fail", "--json")).stdout)
    assert (failed["job_id"], failed["state"]) == ("failed", "queued")
    for wrong in ((), ("--parked", "p1")):
        assert "name the jobs, or give --parked" in (await run("retry", *wrong, code=2)).stderr

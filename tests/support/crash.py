"""An album whose ingest is killed with -9 anywhere; scripts/fault/crash is its long form."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from catalog.errors import CatalogError
from catalog.records import JobRecord, JobState
from pipeline.worker_name import is_gone
from tests.servers.processes import tree
from tests.support.aftermath import Found, look_around
from tests.support.farm import Farm, album, farm, wait_until
from tests.support.ground import Ground

_LONGEST_S = 1.5  # between one kill and the next, once something runs
_EARLY = 0.15  # of the kills come without waiting for that: amid a start
_DOWN_S = 1.0  # at most, of a server
_LAST_RUN_S = 600.0
_SOUND_S = (2.0, 3.0)  # of a master
_ENDED = {JobState.FAILED, JobState.PARKED, JobState.CANCELED}
_SETTINGS = {
    "JOBS__ATTEMPTS": "100",  # a job that was killed so often by chance is no poison
    "JOBS__LEASE_S": "3",
    "JOBS__SWEEP_S": "1",
    "JOBS__BACKOFF_S": "0.2",
    "JOBS__BACKOFF_MAX_S": "1",
    "HOUSEKEEPING__ORPHAN_AGE_S": "60",
}


@dataclass(frozen=True, slots=True)
class Crash:
    """How often, and what."""

    kills: int
    tracks: int
    seed: int


@dataclass(slots=True)
class _Run:
    """One form of the run: its workers, and what they were given."""

    ground: Ground
    workers: Farm
    chance: random.Random
    say: Callable[[str], object]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    masters: list[Path] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)  # of the album that is being done

    def give_album(self, count: int) -> None:
        """Queue one more album (or begin it, where nobody queues)."""
        folder = self.workers.home.parent / "in"
        seconds = self.chance.uniform(*_SOUND_S)
        new = album(folder, count, seconds, first=len(self.masters))
        self.masters += new
        self.addresses = self.ground.deliver(new)
        if not self.ground.is_watched:
            self.workers.submit(self.addresses)

    def keep_running(self) -> None:
        """Start what was killed, or ended with its work."""
        self.running = [one for one in self.running if one.poll() is None]
        while len(self.running) < self.ground.workers:
            if self.ground.is_watched:
                started = self.workers.start("ingest", "--jobs", "1", *self.addresses)
            else:
                started = self.workers.worker()
            self.running.append(started)

    def strike(self) -> str:
        """Kill something at a random instant; what, and when."""
        if self.chance.random() > _EARLY:
            wait_until(lambda: self.is_over() or self.is_working(), every_s=0.1)
        delay_s = self.chance.uniform(0, _LONGEST_S)
        time.sleep(delay_s)
        victim = self.chance.choice(("worker", "child", *self.ground.servers))
        if server := self.ground.servers.get(victim):
            server.kill()
            time.sleep(self.chance.uniform(0, _DOWN_S))
            server.start()
        elif victim == "worker" or not self._kill_child():
            victim = "worker"
            one = self.chance.choice(self.running)
            self.running.remove(one)
            self.workers.kill(one)
        return f"{victim} after {delay_s:.2f} s"

    def _kill_child(self) -> bool:
        """Kill one process below a worker, and only that."""
        one = self.chance.choice(self.running)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if below := tree(one.pid)[1:]:
                with suppress(ProcessLookupError):
                    os.kill(self.chance.choice(below), signal.SIGKILL)
                return True
            time.sleep(0.01)
        return False

    def is_working(self) -> bool:
        """Whether a job is somebody's who lives."""
        running = [one for one in self.jobs() if one.state is JobState.RUNNING]
        return any(one.worker is not None and not is_gone(one.worker) for one in running)

    def is_over(self) -> bool:
        """Whether every track is done. AssertionError where one never will be."""
        records = self.jobs()
        for one in records:
            assert one.state not in _ENDED, f"{one.source.name} is {one.state}: {one.error}"
        done = {one.source.name for one in records if one.state is JobState.DONE}
        return len(done) >= len(self.masters) and all(one.state is JobState.DONE for one in records)

    def jobs(self) -> Sequence[JobRecord]:
        """All rows; none while the database is away."""
        try:
            return self.workers.jobs()
        except CatalogError:
            return ()


def crash(folder: Path, plan: Crash, ground: Ground, say: Callable[[str], object]) -> Found:
    """Kill, start again, and look around. AssertionError where something is wrong."""
    with farm(folder, **{**_SETTINGS, **ground.settings}) as workers:
        run = _Run(ground, workers, random.Random(plan.seed), say)
        for number in range(plan.kills):
            if run.is_over():  # the first of all, or there is nothing left to kill
                run.give_album(plan.tracks)
            run.keep_running()
            what = run.strike()
            done = len({one.source.name for one in run.jobs() if one.state is JobState.DONE})
            say(f"kill {number + 1}: {what}; {done} of {len(run.masters)} tracks are done")
        _finish(run)
        return look_around(workers, ground.bucket, run.masters, plan.kills)


def _finish(run: _Run) -> None:
    """Let it come to its end, undisturbed."""
    deadline = time.monotonic() + _LAST_RUN_S
    while not run.is_over():
        assert time.monotonic() < deadline, "it does not come to its end"
        run.keep_running()
        time.sleep(0.2)
    for one in run.running:
        if run.ground.is_watched:
            one.wait(60)
    run.workers.stop()

"""An album whose ingest is killed with -9 anywhere; scripts/fault/crash is its long form."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog.records import JobRecord, JobState
from tests.support.farm import Farm, album, celery, farm, wait_until

_LAST_RUN_S = 600.0


@dataclass(frozen=True, slots=True)
class Crash:
    """How often, and what."""

    kills: int
    tracks: int
    seed: int
    broker: str | None = None  # None: workers that look into the catalog


def crash(folder: Path, plan: Crash, say: Callable[[str], object]) -> str:
    """Kill, start again, and check; one line about it. AssertionError where something is wrong."""
    chance = random.Random(plan.seed)
    settings = celery(plan.broker) if plan.broker else {}
    # A job that was killed so often by chance is no poison.
    with farm(folder, JOBS__ATTEMPTS="100", JOBS__LEASE_S="2", **settings) as workers:
        tracks = 0
        for number in range(plan.kills):
            if workers.all_over():  # the first of all, or there is nothing left to kill
                workers.submit(album(folder / "in", plan.tracks, first=tracks))
                tracks += plan.tracks
            _kill_somewhere(workers, chance)
            done = sum(one.state is JobState.DONE for one in workers.jobs())
            say(f"kill {number + 1}: {done} of {tracks} tracks are done")
        workers.worker()
        wait_until(workers.all_over, _LAST_RUN_S)
        workers.stop()
        workers.check(tracks)
        lost = sum(one.ended == "lost" for job in workers.jobs() for one in job.log)
        return f"{plan.kills} kills, {lost} attempts lost, {tracks} tracks published exactly once"


def _kill_somewhere(workers: Farm, chance: random.Random) -> None:
    """Start a worker, and kill it while it works: all of it, or one process below it."""
    worker = workers.worker()
    wait_until(lambda: workers.all_over() or any(map(_is_running, workers.jobs())))
    time.sleep(chance.uniform(0, 1.5))
    below = workers.tree(worker.pid)[1:]
    if below and chance.random() < 0.3:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(below), signal.SIGKILL)
        time.sleep(chance.uniform(0, 0.5))
    workers.kill(worker)


def _is_running(record: JobRecord) -> bool:
    return record.state is JobState.RUNNING

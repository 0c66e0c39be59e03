"""The parent of the workers, alone."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import cast

import pytest

from origin.workers import _Crew

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys, time
from origin import workers
from origin.workers import WorkersFailed, supervise
logging.disable()
workers._FIRST_S = {first_s}

def work(ready):
    {work}

try:
    supervise(work, count=2, grace_s={grace_s}, on_ready=lambda: print("ready", flush=True))
except WorkersFailed as error:
    sys.exit(str(error))
"""


def start(work: str, *, grace_s: float = 1, first_s: float = 0.1) -> subprocess.Popen[str]:
    script = SCRIPT.format(work=work, grace_s=grace_s, first_s=first_s)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.server
def test_workers_that_cannot_start_are_given_up() -> None:
    with start("sys.exit(3)") as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.strip() == "workers end as soon as they start (the last one with code 3)"


@pytest.mark.server
def test_ready_is_said_once_all_of_them_are() -> None:
    with start("ready(); time.sleep(60)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert output == ""
    assert process.returncode == 0


@pytest.mark.server
def test_a_worker_that_does_not_end_is_killed() -> None:
    work = "import signal; signal.signal(15, signal.SIG_IGN); ready(); time.sleep(60)"
    with start(work, grace_s=-4.5) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0


class Dead:
    """A process that has ended."""

    pid, exitcode = 4711, 3

    def join(self) -> None:
        """It has."""


def test_workers_that_die_are_replaced_ever_more_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(random, "uniform", lambda _least, most: most)
    crew = _Crew(lambda _ready: None, 2)
    crew._was_ready = True

    def rest_s(lived_s: float) -> float:
        crew._processes[0] = (cast("ForkProcess", Dead()), now - lived_s)
        crew._bury(0)
        return max(0.0, crew._rests_until - now)

    rests = [0.0, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]
    assert [rest_s(1) for _ in rests] == pytest.approx(rests)
    now += 31
    assert rest_s(60) == 0.0  # that one had nothing wrong with it
    assert rest_s(1) == 0.0
    assert rest_s(1) == pytest.approx(0.4)
    crew.stop(-1, 0)


@pytest.mark.server
def test_a_resting_parent_ends_when_told(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    work = f"open({str(starts)!r}, 'a').write('x'); ready(); sys.exit(3)"
    with start(work, first_s=30) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        deadline = time.monotonic() + 20
        while children.read_text() or not starts.exists() or len(starts.read_text()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.terminate()  # in the middle of a rest of a quarter of a minute at least
        assert process.wait(10) == 0


@pytest.mark.server
def test_sighup_reaches_every_worker() -> None:
    say = "__import__('os').write(1, b'read again\\n')"
    # Naps: a signal that comes just before a sleep begins is not looked at before that ends.
    nap = "[time.sleep(0.05) for _ in range(1000)]"
    work = f"import signal; signal.signal(signal.SIGHUP, lambda *_: {say}); ready(); {nap}"
    with start(work) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert [process.stdout.readline() for _ in range(2)] == ["read again\n"] * 2
        process.terminate()
        assert process.wait(10) == 0

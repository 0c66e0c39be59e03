"""The parent of the workers, alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys, time
from origin.workers import WorkersFailed, supervise
logging.disable()

def work(ready):
    {work}

try:
    supervise(work, count=2, grace_s={grace_s}, on_ready=lambda: print("ready", flush=True))
except WorkersFailed as error:
    sys.exit(str(error))
"""


def start(work: str, *, grace_s: float = 1) -> subprocess.Popen[str]:
    script = SCRIPT.format(work=work, grace_s=grace_s)
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
        began = time.monotonic()
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert output == ""
    assert process.returncode == 0
    assert time.monotonic() - began < 5


@pytest.mark.server
def test_a_worker_that_does_not_end_is_killed() -> None:
    work = "import signal; signal.signal(15, signal.SIG_IGN); ready(); time.sleep(60)"
    with start(work, grace_s=-4.5) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.server
def test_workers_that_die_later_are_replaced_ever_more_slowly(tmp_path: Path) -> None:
    """One of two dies again and again; the other goes on, and there is no storm of starts."""
    starts, first = tmp_path / "starts", tmp_path / "first"
    work = (
        f"open({str(starts)!r}, 'a').write('x')\n"
        "    try:\n"
        f"        open({str(first)!r}, 'x')\n"
        "    except FileExistsError:\n"
        "        time.sleep(0.2); ready(); sys.exit(3)\n"
        "    ready(); time.sleep(60)"
    )
    with start(work) as process:
        time.sleep(6)
        assert process.poll() is None
        count = len(starts.read_text())
        process.terminate()
        assert process.wait(10) == 0
    assert 4 <= count <= 10


@pytest.mark.server
def test_a_resting_parent_ends_when_told(tmp_path: Path) -> None:
    first = tmp_path / "first"
    work = f"ready(); time.sleep(0.1); sys.exit(3 if not open({str(first)!r}, 'a') else 4)"
    with start(work) as process:
        time.sleep(4)  # in the middle of a rest of seconds
        began = time.monotonic()
        process.terminate()
        assert process.wait(10) == 0
    assert time.monotonic() - began < 2


@pytest.mark.server
def test_sighup_reaches_every_worker() -> None:
    say = "__import__('os').write(1, b'read again\\n')"
    work = f"import signal; signal.signal(signal.SIGHUP, lambda *_: {say}); ready(); time.sleep(60)"
    with start(work) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert [process.stdout.readline() for _ in range(2)] == ["read again\n"] * 2
        process.terminate()
        assert process.wait(10) == 0

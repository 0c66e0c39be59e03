"""What is expensive to make and only read: made once in a run, by the process that is first."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` has filled, the same one for all processes of this run.

    Others wait while it is made. Nobody may change what is in it: who wants to, copies it.
    """
    base = factory.getbasetemp()
    # With xdist each process has a folder of its own below the run's.
    run = base.parent if base.name.startswith("popen-") else base
    folder = run / f"shared-{name}"
    with (run / f"shared-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a process that dies lets it go
        done = folder / ".done"
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder

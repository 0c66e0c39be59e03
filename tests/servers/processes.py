"""Finding and ending processes: also what a killed test session would leave running.

`guard(mark, folder)` starts a process of its own that waits for ours to end, however that happens,
and then kills every process whose environment holds the mark, and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def guard(mark: str, folder: Path) -> Iterator[None]:
    """While the block lasts, our death is the death of all that carries `NAME=value`."""
    # Its stdin is a pipe that nobody but us can write to: it ends when we do.
    command = [sys.executable, __file__, mark, str(folder)]
    watching = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watching.kill()
        watching.communicate()


def kill_marked(mark: str) -> None:
    """Kill every process that was started with `NAME=value` in its environment."""
    wanted = f"{mark}\0".encode()
    for one in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_ours = wanted in one.read_bytes() + b"\0"
        except OSError:
            continue
        if is_ours:
            with suppress(ProcessLookupError):
                os.kill(int(one.parent.name), signal.SIGKILL)


def tree(pid: int) -> list[int]:
    """A process and all below it, the deepest last."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


if __name__ == "__main__":
    sys.stdin.buffer.read()
    kill_marked(sys.argv[1])
    shutil.rmtree(sys.argv[2], ignore_errors=True)

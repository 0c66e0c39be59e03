"""What scripts and tests need of servers that they start: a port, a core, until it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

_START_S = 20.0


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def pinned(*cores: int) -> list[str]:
    """The prefix of a command that is to stay on these cores, where there are so many."""
    there = os.sched_getaffinity(0)
    is_some = len(there) > 1 and there.issuperset(cores)
    return ["taskset", "-c", ",".join(map(str, cores))] if is_some else []


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until a server accepts connections; ends the script when it does not."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"{process.args!r} does not answer")

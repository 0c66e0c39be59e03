"""Who holds a job: a process, named so that another on the same machine can tell whether it lives.

    host:pid@started.place

`started` is the instant the process began, in the kernel's ticks since the machine did; `place`
stands for the machine's run and the container: the same number is another process elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

_NAME = re.compile(r"(?P<host>.*):(?P<pid>\d+)@(?P<started>\d+)\.(?P<place>[0-9a-f]{8})")
_START_FIELD = 22  # of /proc/PID/stat, proc(5), counted from 1


def this_worker() -> str:
    """The name of this process."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}@{_started(pid) or 0}.{_place()}"


def this_node() -> str:
    """What a broker's tools call this process: no two may have one name, wherever they run."""
    return f"headwater-{os.getpid()}-{_place()}@{socket.gethostname()}"


def is_gone(worker: str) -> bool:
    """Tell that a process has ended. False where that cannot be known from here."""
    name = _NAME.fullmatch(worker)
    if name is None or name["place"] != _place() or name["started"] == "0":
        return False
    return _started(int(name["pid"])) != int(name["started"])


def _started(pid: int) -> int | None:
    """When a process began; None where there is none, or only what is left of one (a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in "ZX" else int(fields[_START_FIELD - 4])


def _place() -> str:
    """What tells this machine since its start, and this container, from all others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        container = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, container = socket.gethostname(), ""
    return hashlib.sha256(f"{boot}\n{container}".encode()).hexdigest()[:8]

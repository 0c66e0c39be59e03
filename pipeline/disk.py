"""Back-pressure: no work begins where there is no room for what it writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from configs.paths import nearest_existing
from pipeline.errors import shown

# Plain renditions, packaged ones and their encrypted twins lie beside each other for a while:
# together less than this many times the master.
_TIMES_MASTER = 3


def lacking_space(folders: Iterable[Path], reserve_bytes: int, master_bytes: int) -> str | None:
    """Say in one line which folder has too little room; None where each has enough.

    A disk that is too small altogether is nothing to wait for: the work will say what it lacks.
    """
    needed = reserve_bytes + _TIMES_MASTER * master_bytes
    for folder in folders:
        there = nearest_existing(folder)
        status = os.statvfs(there)
        free, whole = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
        if free < needed <= whole:
            return f"{shown(folder)}: {_size(free)} free, {_size(needed)} are needed"
    return None


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"

"""Back-pressure: no work begins where there is no room for what it writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from configs.paths import nearest_existing
from pipeline.errors import shown

# What is packed without loss already: as FLAC it is as long again. Of PCM two thirds remain.
_PACKED = frozenset({".flac", ".m4a", ".mp4", ".mov", ".caf"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What a track takes while it is being made, bytes."""

    temp: int = 0  # in the folder of temporary files
    stored: int = 0  # in the storage, where that is a folder

    @classmethod
    def of(cls, source: Path, master_bytes: int, *, is_copied: bool, is_archived: bool) -> Needs:
        """By the master's size: how long it is, nobody knows yet.

        With the packaged ladder a FLAC of 900 kbps takes 4.2 times itself while its own FLAC is
        packaged (that one plain, packaged, and encrypted for AES-128 beside each other, the lossy
        ones twice), and then 3.2 times in the storage; a WAV of 1411 kbps 2.7 and 2.1. Of a master
        of a low rate the lossy ones are more, but few bytes: that is what the reserve is for.
        """
        temp, stored = (5, 4) if source.suffix.lower() in _PACKED else (3, 3)
        return cls((temp + is_copied) * master_bytes, (stored + is_archived) * master_bytes)


def lacking_space(folders: Iterable[Path], reserve_bytes: int, needs: Needs) -> str | None:
    """Say in one line which folder has too little room; None where each has enough.

    The folders are that of temporary files, and the storage where that is one. What is on one disk
    needs room there together. A disk that is too small altogether is nothing to wait for: the work
    will say what it lacks.
    """
    by_disk: dict[int, list[tuple[Path, int]]] = {}
    for folder, count in zip(folders, (needs.temp, needs.stored), strict=False):
        disk = nearest_existing(folder).stat().st_dev
        by_disk.setdefault(disk, []).append((folder, count))
    for here in by_disk.values():
        folder = here[0][0]
        needed = reserve_bytes + sum(count for _, count in here)
        status = os.statvfs(nearest_existing(folder))
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

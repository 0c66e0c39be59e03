"""The private folder an ingest works in, and the traces of one that was killed.

    HOME/tmp/lock                         held while a folder is made or swept
    HOME/tmp/ingest-<random>/lock         held for as long as that process lives
    HOME/tmp/ingest-<random>/<n>/...      one track: encoded files, packaged files
    HOME/tmp/ingest-<random>/<n>/prefix   the storage prefix that this track is written under

A lock that nobody holds says that its process is gone, whatever number it had: then its folder
is removed, and what it put into storage without publishing it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_PREFIX = "prefix"
_WHOLE = re.compile(r"tracks/[^/]+/[^/]+/")


class Workspace:
    """One process's folder. Made by `open_workspace`; `folder` may be called concurrently."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = count(1)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder for one track, removed at the end."""
        path = self.root / str(next(self._numbers))
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Remains:
    """What a process that is gone has left."""

    root: Path
    prefixes: tuple[str, ...]  # storage prefixes it may have written under


@contextmanager
def open_workspace(temp: Path) -> Iterator[Workspace]:
    """A folder of this process's own under `temp`, removed at the end. OSError if impossible."""
    temp.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(temp / "lock"):
        root = Path(tempfile.mkdtemp(prefix="ingest-", dir=temp))
        alive = _open_lock(root / "lock")
        fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        yield Workspace(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        os.close(alive)


def note_prefix(folder: Path, prefix: str) -> None:
    """Remember where objects are about to be written, should this process be killed meanwhile.

    Whole, or not at all, and on the disk before the first object is.
    """
    new = folder / f"{_PREFIX}.new"
    with new.open("w", encoding="ascii") as file:
        file.write(prefix)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / _PREFIX)


def find_remains(temp: Path) -> list[Remains]:
    """Folders whose process is gone. Others may look for them, and remove them, meanwhile."""
    with _held(temp / "lock"):
        dead = [root for root in sorted(temp.glob("ingest-*")) if not _is_alive(root)]
        return [Remains(root, tuple(_prefixes(root))) for root in dead]


def remove(remains: Remains) -> None:
    """Remove the folder."""
    shutil.rmtree(remains.root, ignore_errors=True)


def _prefixes(root: Path) -> Iterator[str]:
    """What was noted under a folder. What is not whole says that nothing was written yet."""
    for file in root.glob(f"*/{_PREFIX}"):
        with suppress(OSError, UnicodeDecodeError):
            prefix = file.read_text("ascii")
            if _WHOLE.fullmatch(prefix):
                yield prefix


def _is_alive(root: Path) -> bool:
    try:
        lock = os.open(root / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def _held(path: Path) -> Iterator[None]:
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

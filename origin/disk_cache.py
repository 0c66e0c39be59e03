"""A second level for pieces of stored objects: a folder of a local disk, in front of a bucket.

Any number of workers share the folder, and what is in it outlives them. A file is written beside
its place and renamed into it; it begins with the SHA-256 of what it is and holds: a disk that lies,
a crash amid a write and somebody's editor cost a read of the store, never a wrong byte. A disk that
is full or broken costs the second level: nobody waits for writing, and errors make a pause.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from origin.counters import Counters

_LOG = logging.getLogger("headwater.origin")

_MARK = b"headwater piece 1\n"
_HASH_BYTES = 32
_AT_ONCE = 8  # writes; what comes while so many run is not written
_PAUSE_S = 30.0  # after a write that failed
_SWEPT_SHARE = 16  # a sweep after a sixteenth of the limit was written
_KEPT = 0.9  # of the limit, after a sweep
_TOUCH_S = 3600.0  # a file's time is its last use, this exactly
_TEMP = ".tmp"
_OURS = re.compile(r"[0-9a-f]{2}|\.tmp")
_OLD_TEMP_S = 600.0

Piece = tuple[str, int, int]  # object key, start, end


class _File(NamedTuple):
    used: float  # Unix seconds
    size: int  # bytes
    path: Path


class DiskCache:
    """One worker's view of the folder."""

    def __init__(self, folder: Path, limit_bytes: int, counters: Counters) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._counters = counters
        self._writes: set[asyncio.Task[None]] = set()
        self._written = limit_bytes  # bytes since the last sweep: the first write makes one
        self._paused_until = 0.0  # time.monotonic()

    async def read(self, piece: Piece) -> bytes | None:
        """The piece's bytes; None where they are not held as they were written."""
        data = await asyncio.to_thread(self._read, piece)
        if data is not None:
            self._counters.disk_hits += 1
            self._counters.disk_bytes += len(data)
        return data

    def write(self, piece: Piece, data: bytes) -> None:
        """Begin to hold a piece, if there is a hand free."""
        if len(self._writes) >= _AT_ONCE or time.monotonic() < self._paused_until:
            return
        task = asyncio.ensure_future(self._write_soon(piece, data))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes that run."""
        if self._writes:
            await asyncio.wait(self._writes)

    async def _write_soon(self, piece: Piece, data: bytes) -> None:
        self._written += len(data)
        is_time = self._written * _SWEPT_SHARE > self._limit
        if is_time:
            self._written = 0
        try:
            await asyncio.to_thread(self._write, piece, data)
            if is_time:
                await asyncio.to_thread(self._sweep)
        except OSError as exc:
            self._counters.disk_errors += 1
            self._paused_until = time.monotonic() + _PAUSE_S
            _LOG.warning("the disk cache rests for %.0f s: %s", _PAUSE_S, exc)

    def _read(self, piece: Piece) -> bytes | None:
        path = self._path(piece)
        try:
            held = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            self._counters.disk_errors += 1
            return None
        start = len(_MARK) + _HASH_BYTES
        data = held[start:]
        if held[:start] != _MARK + _hash(piece, data):
            self._counters.disk_errors += 1
            _LOG.warning("%s: not as it was written: removed", path)
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_S:
                os.utime(path)
        return data

    def _write(self, piece: Piece, data: bytes) -> None:
        path = self._path(piece)
        temp = self._folder / _TEMP / secrets.token_hex(8)
        temp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            temp.write_bytes(_MARK + _hash(piece, data) + data)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            temp.replace(path)
        except OSError:
            with suppress(OSError):
                temp.unlink(missing_ok=True)
            raise

    def _sweep(self) -> None:
        """Remove what was used longest ago until a tenth of the room is free."""
        files = sorted(self._files())
        held = sum(one.size for one in files)
        if held <= self._limit:
            return
        for one in files:
            if held <= self._limit * _KEPT:
                break
            with suppress(FileNotFoundError):  # another worker sweeps, too
                one.path.unlink()
            held -= one.size

    def _files(self) -> Iterator[_File]:
        """What there is of ours; temporary files of those who died are removed."""
        for folder in self._folder.iterdir():
            if not _OURS.fullmatch(folder.name) or not folder.is_dir():
                continue  # a new file system has a `lost+found` that nobody may read
            for path in folder.iterdir():
                with suppress(FileNotFoundError):
                    facts = path.stat()
                    if folder.name != _TEMP:
                        yield _File(facts.st_mtime, facts.st_size, path)
                    elif time.time() - facts.st_mtime > _OLD_TEMP_S:
                        path.unlink()

    def _path(self, piece: Piece) -> Path:
        name = hashlib.sha256(_name(piece)).hexdigest()
        return self._folder / name[:2] / name[2:]


def _name(piece: Piece) -> bytes:
    key, start, end = piece
    return f"{key}\n{start}-{end}\n".encode()


def _hash(piece: Piece, data: bytes) -> bytes:
    whole = hashlib.sha256(_name(piece))
    whole.update(data)
    return whole.digest()

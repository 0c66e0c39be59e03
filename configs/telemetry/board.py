"""Memory that a server's processes share: each keeps its figures on a page of its own.

Made before the processes are forked. A process takes a page by a lock of the kernel, which falls
when the process ends, however it ends; the next one takes the page over, and goes on counting
from what it says. So a sum over all pages never falls, and what a process that was killed had
counted is lost for the last second at most.

A page has two halves. The one that is not being read is written, then a byte tells which is
newer: whoever is killed while writing leaves the older half, whole.

    page:  newer half (1 byte), padding (7 bytes), half, half
    half:  written at (f64, seconds of the monotonic clock), length, CRC-32 (u32 each), snapshot
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import struct
import tempfile
import time
import weakref
import zlib
from dataclasses import dataclass
from typing import Final

_HEAD = struct.Struct("<dII")
_NEWER = 8  # bytes before the halves
_HALF: Final = 512 << 10  # bytes; memory that nobody writes costs nothing
_PAGE: Final = _NEWER + 2 * _HALF
_SPARE = 2  # pages for each process: an old one may still end when the next one begins
FRESH_S = 5.0  # a page not written for longer is of a process that is gone, or hangs


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stood on a page."""

    number: int
    written_s: float  # monotonic
    snapshot: bytes

    @property
    def is_fresh(self) -> bool:
        """Whether its process lives."""
        return time.monotonic() - self.written_s < FRESH_S


class Board:
    """The pages of a server with so many processes."""

    def __init__(self, processes: int) -> None:
        self.pages = processes * _SPARE
        self._file = _nameless_file()
        weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, self.pages * _PAGE)
        self.memory = mmap.mmap(self._file, self.pages * _PAGE)

    def take(self) -> Page:
        """The first page that no living process has. RuntimeError where there is none."""
        for number in range(self.pages):
            try:
                # Of this process, not inherited by its children; byte `number` is its page's.
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number, os.SEEK_SET)
            except OSError as exc:
                if exc.errno not in {errno.EACCES, errno.EAGAIN}:
                    raise
            else:
                return Page(self, number)
        msg = f"all {self.pages} pages are taken"
        raise RuntimeError(msg)

    def read(self) -> list[Sheet]:
        """What stands on all pages that were ever written."""
        sheets = (self.sheet(number) for number in range(self.pages))
        return [sheet for sheet in sheets if sheet is not None]

    def sheet(self, number: int) -> Sheet | None:
        """What stands on a page; None where nothing does."""
        start = number * _PAGE
        for _ in range(3):  # it may be written, twice, while it is read
            half = start + _NEWER + self.memory[start] * _HALF
            written_s, length, checksum = _HEAD.unpack_from(self.memory, half)
            body = half + _HEAD.size
            snapshot = self.memory[body : body + length]
            if length and zlib.crc32(snapshot) == checksum:
                return Sheet(number, written_s, snapshot)
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of this process."""

    board: Board
    number: int

    def before(self) -> bytes:
        """What the process that had the page before left on it; empty if there was none."""
        sheet = self.board.sheet(self.number)
        return b"" if sheet is None else sheet.snapshot

    def write(self, snapshot: bytes) -> None:
        """Replace what stands on it. ValueError for more than there is room for."""
        if len(snapshot) > _HALF - _HEAD.size:
            msg = f"figures of {len(snapshot)} bytes: there is room for {_HALF}"
            raise ValueError(msg)
        memory, start = self.board.memory, self.number * _PAGE
        other = 1 - memory[start]
        half = start + _NEWER + other * _HALF
        body = half + _HEAD.size
        memory[body : body + len(snapshot)] = snapshot
        _HEAD.pack_into(memory, half, time.monotonic(), len(snapshot), zlib.crc32(snapshot))
        memory[start] = other


def _nameless_file() -> int:
    """A descriptor of a file in memory, or else of one that is gone when it is closed."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("headwater")
    descriptor, path = tempfile.mkstemp(prefix="headwater-")
    os.unlink(path)  # noqa: PTH108 - the name that mkstemp gave
    return descriptor

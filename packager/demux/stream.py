"""Reading of files that are too big to hold: a window that moves forward."""

from __future__ import annotations

from array import array
from typing import BinaryIO

from packager.errors import MalformedMedia
from packager.model import SampleTable

MAX_FRAMES = 1 << 24  # 4 days of AAC: a file that has more is no track
_WINDOW = 1 << 18  # bytes read at once


class ByteStream:
    """Bytes of a file by their offset, read ahead in pieces."""

    __slots__ = ("_data", "_source", "_start", "size")

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._data = b""
        self._start = 0
        self.size = source.seek(0, 2)

    def at(self, offset: int, count: int) -> bytes:
        """`count` bytes from an offset, fewer at the end of the file."""
        begin = offset - self._start
        if begin < 0 or begin + count > len(self._data):
            self._fill(offset, count)
            begin = 0
        return self._data[begin : begin + count]

    def find(self, pattern: bytes, start: int, end: int) -> int:
        """Offset of the first place between two offsets where a pattern begins; -1: nowhere."""
        while start < end:
            begin = start - self._start
            if not 0 <= begin <= len(self._data) - len(pattern):
                self._fill(start, len(pattern))
                begin = 0
                if len(self._data) < len(pattern):
                    return -1
            found = self._data.find(pattern, begin)
            if found >= 0:
                return self._start + found if self._start + found < end else -1
            start = self._start + len(self._data) - len(pattern) + 1
        return -1

    def _fill(self, offset: int, count: int) -> None:
        self._source.seek(offset)
        self._data = self._source.read(max(count, _WINDOW))
        self._start = offset


class TableBuilder:
    """Collects frames in the order of the file."""

    __slots__ = ("durations", "offsets", "sizes")

    def __init__(self) -> None:
        self.sizes = array("I")
        self.durations = array("I")
        self.offsets = array("Q")

    def add(self, offset: int, size: int, duration: int) -> None:
        """One frame; MalformedMedia when there are more than a track can have."""
        if len(self.sizes) == MAX_FRAMES:
            raise MalformedMedia(f"more than {MAX_FRAMES} frames", offset=offset)
        self.sizes.append(size)
        self.durations.append(duration)
        self.offsets.append(offset)

    def table(self, what: str) -> SampleTable:
        """What was collected; MalformedMedia if there is nothing."""
        if not self.sizes:
            raise MalformedMedia(f"holds no {what}")
        return SampleTable(self.sizes, self.durations, self.offsets)

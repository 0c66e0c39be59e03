"""What readers of tags may read and unpack: a master is a file from a stranger."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

# Of one file's tags, pictures included. Covers have a limit of their own, `ingest.max_cover_bytes`.
MAX_BYTES = 64 << 20
_MAX_READS = 500_000  # a comment or a frame takes a few
_MAX_UNPACKED = 16 << 20  # of one compressed frame


class TagsTooLarge(ValueError):
    """More than anybody's tags are."""


class BoundedFile:
    """A file that gives so many bytes and no more. Only what mutagen calls when it reads."""

    def __init__(self, file: BinaryIO) -> None:
        self.name = file.name
        self._file = file
        self._bytes = MAX_BYTES
        self._reads = _MAX_READS

    def read(self, size: int = -1) -> bytes:
        """At most what is left of the bound; TagsTooLarge where more is asked for and there."""
        data = self._file.read(self._bytes + 1 if size < 0 else min(size, self._bytes + 1))
        self._bytes -= len(data)
        self._reads -= 1
        if self._bytes < 0 or self._reads < 0:
            raise TagsTooLarge(f"they are larger than {MAX_BYTES >> 20} MiB, or in too many pieces")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As the file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As the file does."""
        return self._file.tell()


def unpack(data: bytes) -> bytes:
    """Unpack zlib's data; TagsTooLarge where that is more than any frame holds."""
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(data, _MAX_UNPACKED)
    if unpacker.unconsumed_tail:
        raise TagsTooLarge(f"a compressed frame holds more than {_MAX_UNPACKED >> 20} MiB")
    return unpacked

"""The digests by which the parts of a file are recognized, whoever has stored or carried them.

A part is what is read at once: the header, the index, a segment; of a plain file, a mebibyte. Its
digest is the first 16 bytes of its SHA-256: neither an accident nor an enemy finds other bytes to
it. The digests of a file lie end to end, in the order of its parts.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

SIZE: Final = 16  # bytes
# Bytes. A plain file has no parts of its own: it is cut at each of these.
PLAIN_PART: Final = 1 << 20


def digest(part: bytes) -> bytes:
    """The digest of one part."""
    return hashlib.sha256(part).digest()[:SIZE]


def of_plain(file: BinaryIO) -> tuple[bytes, str]:
    """The digests of a plain file's parts, and the SHA-256 of the whole (hex); from where it is."""
    whole, parts = hashlib.sha256(), bytearray()
    while part := file.read(PLAIN_PART):
        whole.update(part)
        parts += digest(part)
    return bytes(parts), whole.hexdigest()


def at(digests: bytes, number: int) -> bytes:
    """The digest of the part of that number, counted from 0; b"" where there is none."""
    return digests[number * SIZE : (number + 1) * SIZE]

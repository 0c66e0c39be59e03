"""The digests by which the parts of a file are recognized, whoever has stored or carried them.

A part is what is read at once: the header, the index, a segment. Its digest is the first 16 bytes
of its SHA-256: neither an accident nor an enemy finds other bytes to it. The digests of a file lie
end to end, in the order of its parts.
"""

from __future__ import annotations

import hashlib
from typing import Final

SIZE: Final = 16  # bytes


def digest(part: bytes) -> bytes:
    """The digest of one part."""
    return hashlib.sha256(part).digest()[:SIZE]


def at(digests: bytes, number: int) -> bytes:
    """The digest of the part of that number, counted from 0; b"" where there is none."""
    return digests[number * SIZE : (number + 1) * SIZE]

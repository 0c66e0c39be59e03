"""One unambiguous byte string for a list of fields: what MACs and associated data are made over."""

from __future__ import annotations

import struct

_length = struct.Struct(">I").pack  # twice as fast as int.to_bytes: every license comes by here


def join(*fields: bytes | str | int) -> bytes:
    """Each field behind its length (4 bytes, big-endian), so that no two lists look the same.

    Text is UTF-8; numbers are written in decimal.
    """
    parts: list[bytes] = []
    for field in fields:
        data = field if isinstance(field, bytes) else str(field).encode()
        parts += (_length(len(data)), data)
    return b"".join(parts)

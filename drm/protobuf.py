"""Protocol buffers as far as they have to be read: fields by number, in any order.

https://protobuf.dev/programming-guides/encoding/. What a field means is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Iterator

from drm.errors import MalformedRequest

_VARINT, _I64, _LEN, _I32 = 0, 1, 2, 5  # wire types; groups (3 and 4) are in nothing we read
_FIXED = {_I64: 8, _I32: 4}  # bytes
_MAX_VARINT_BYTES = 10


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field's number and value: an integer, or bytes. MalformedRequest for anything else."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _LEN:
            size, at = _varint(data, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise MalformedRequest("the challenge has a field of an unknown type")
        if size > len(data) - at:
            raise MalformedRequest("the challenge ends in the middle of a field")
        yield number, data[at : at + size]
        at += size


def all_of(data: bytes, number: int) -> list[bytes]:
    """The values of a field of bytes, of which there may be several."""
    return [value for one, value in fields(data) if one == number and isinstance(value, bytes)]


def last_of(data: bytes, number: int) -> int | None:
    """The value of a field of an integer: of several the last counts, as everywhere."""
    found = [value for one, value in fields(data) if one == number and isinstance(value, int)]
    return found[-1] if found else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer at a position, and the position behind it."""
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        if at + index >= len(data):
            raise MalformedRequest("the challenge ends in the middle of a number")
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise MalformedRequest("the challenge has a number that is too long")

"""Bounds-checked reading and writing of big-endian fields.

A reader never allocates by a count it has not compared with the bytes it holds.
"""

from __future__ import annotations

import sys
from array import array

from packager.errors import MalformedMedia

_SWAP = sys.byteorder == "little"
_ITEM = {1: "B", 2: "H", 4: "I", 8: "Q"}  # bytes per item -> array type code


class ByteReader:
    """A cursor over the body of a box, or over a whole file.

    It knows where it stands: `path` and `base` (the file offset of byte 0) go into every error,
    `code` is the type of the box, `depth` counts the boxes around it; `version` and `flags` are
    those of a full box once they are read.
    """

    __slots__ = ("base", "code", "depth", "flags", "path", "position", "version", "view")

    def __init__(
        self,
        data: bytes | memoryview,
        *,
        path: str = "",
        base: int = 0,
        code: bytes = b"",
        depth: int = 0,
    ) -> None:
        self.view = memoryview(data)
        self.position = 0
        self.path = path
        self.base = base
        self.code = code
        self.depth = depth
        self.version = 0
        self.flags = 0

    @property
    def offset(self) -> int:
        """File offset of the next byte."""
        return self.base + self.position

    @property
    def remaining(self) -> int:
        """Bytes left."""
        return len(self.view) - self.position

    def fail(self, problem: str) -> MalformedMedia:
        """An error that says where the cursor stands; the caller raises it."""
        return MalformedMedia(problem, path=self.path, offset=self.offset)

    def take(self, count: int) -> memoryview:
        """The next `count` bytes, not copied."""
        if count < 0 or count > self.remaining:
            raise self.fail(f"needs {count} bytes, {self.remaining} are left")
        start = self.position
        self.position += count
        return self.view[start : self.position]

    def data(self, count: int) -> bytes:
        """The next `count` bytes."""
        return bytes(self.take(count))

    def rest(self) -> bytes:
        """Every byte that is left."""
        return self.data(self.remaining)

    def uint(self, width: int) -> int:
        """An unsigned integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def sint(self, width: int) -> int:
        """A two's-complement integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big", signed=True)

    def four_cc(self) -> bytes:
        """A four-character code."""
        return self.data(4)

    def column(self, count: int, width: int) -> array[int]:
        """`count` unsigned integers of 1, 2, 4 or 8 bytes, as an array."""
        if count * width > self.remaining:
            raise self.fail(f"{count} entries do not fit into {self.remaining} bytes")
        values = array(_ITEM[width])
        values.frombytes(self.take(count * width))
        if _SWAP:
            values.byteswap()
        return values

    def inner(self, count: int, *, name: str, code: bytes = b"") -> ByteReader:
        """A reader over the next `count` bytes, one level deeper, that keeps offsets right."""
        base = self.offset
        path = f"{self.path}/{name}" if self.path else name
        return ByteReader(self.take(count), path=path, base=base, code=code, depth=self.depth + 1)

    def finish(self) -> None:
        """Refuse bytes that no field accounts for."""
        if self.remaining:
            raise self.fail(f"{self.remaining} bytes after the last field")


class ByteWriter:
    """Collects big-endian fields; `bytes(writer)` is what was written."""

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer = bytearray()

    def __bytes__(self) -> bytes:
        return bytes(self.buffer)

    def __len__(self) -> int:
        return len(self.buffer)

    def data(self, value: bytes | bytearray | memoryview) -> None:
        """Bytes as they are."""
        self.buffer += value

    def zeros(self, count: int) -> None:
        """Reserved bytes."""
        self.buffer += bytes(count)

    def uint(self, value: int, width: int) -> None:
        """An unsigned integer of `width` bytes; ValueError when it does not fit."""
        try:
            self.buffer += value.to_bytes(width, "big")
        except OverflowError as exc:
            msg = f"{value} does not fit into {width} unsigned bytes"
            raise ValueError(msg) from exc

    def sint(self, value: int, width: int) -> None:
        """A two's-complement integer of `width` bytes; ValueError when it does not fit."""
        try:
            self.buffer += value.to_bytes(width, "big", signed=True)
        except OverflowError as exc:
            msg = f"{value} does not fit into {width} signed bytes"
            raise ValueError(msg) from exc

    def column(self, values: array[int], width: int) -> None:
        """Unsigned integers of 1, 2, 4 or 8 bytes each."""
        code = _ITEM[width]
        copy = array(code, values) if values.typecode != code or _SWAP else values
        if _SWAP:
            copy.byteswap()
        self.buffer += copy.tobytes()


class BitReader:
    """A cursor over bits, most significant first."""

    __slots__ = ("left", "path", "value")

    def __init__(self, data: bytes | memoryview, *, path: str = "") -> None:
        self.value = int.from_bytes(data, "big")
        self.left = len(data) * 8
        self.path = path

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned integer."""
        if count > self.left:
            raise MalformedMedia(f"needs {count} bits, {self.left} are left", path=self.path)
        self.left -= count
        return (self.value >> self.left) & ((1 << count) - 1)

    def align(self) -> None:
        """Pass over what is left of a byte, counted from the end of the data."""
        self.left &= ~7


def pack_bits(*fields: tuple[int, int]) -> bytes:
    """Join (value, width in bits) fields into whole bytes, zero-padded at the end."""
    value = 0
    width = 0
    for field, bits in fields:
        if field >> bits:
            msg = f"{field} does not fit into {bits} bits"
            raise ValueError(msg)
        value = (value << bits) | field
        width += bits
    padding = -width % 8
    return (value << padding).to_bytes((width + padding) // 8, "big")

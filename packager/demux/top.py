"""The outermost boxes of an MP4 file, passed over but for the ones that are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from packager.boxes.base import Container, parse
from packager.errors import MalformedMedia


def containers(
    source: BinaryIO, size: int, kind: bytes, max_bytes: int
) -> Iterator[tuple[int, Container]]:
    """Every outermost container of a type with its offset; nothing else is read.

    MalformedMedia for one of more than `max_bytes`, and for a box of any type that reaches beyond
    the end of the file, which is `size` bytes long. ISO/IEC 14496-12:2022, 4.2.2.
    """
    offset = 0
    while offset + 8 <= size:
        source.seek(offset)
        header = source.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - offset
        name = header[4:8].decode("latin-1")
        if length < 8 or offset + length > size:
            raise MalformedMedia("reaches beyond the end of the file", path=name, offset=offset)
        if header[4:8] == kind:
            if length > max_bytes:
                raise MalformedMedia(f"is {length} bytes long", path=name, offset=offset)
            source.seek(offset)
            box = parse(source.read(length))[0]
            if isinstance(box, Container):
                yield offset, box
        offset += length

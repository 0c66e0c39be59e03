"""The boxes of a file with their places, read as far as they can be read.

`packager.boxes` stops at the first fault, as a packager must; an inspector goes on behind it. A
box that cannot be read keeps its place and its problem; media data is not loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from packager.boxes.base import CONTAINERS, MAX_DEPTH, Box, Header, read_box, read_header
from packager.boxes.entries import AUDIO_ENTRIES, SampleDescriptionBox
from packager.bytestream import ByteReader
from packager.check.findings import Place
from packager.check.source import View
from packager.errors import MalformedMedia

MAX_LOADED = 64 << 20  # bytes of a box other than mdat
MAX_BOXES = 1 << 18  # in one file: an index of 65,535 segments has about as many
_HEADER = 16  # bytes of the largest header
_STSD_FIELDS = 8  # bytes: version, flags, entry_count
_ENTRY_FIELDS = 28  # bytes of an AudioSampleEntry before its boxes. ISO/IEC 14496-12, 12.2.3.2
_UNLOADED = frozenset((b"mdat", b"free", b"skip", b"wide"))

B = TypeVar("B", bound=Box)


@dataclass(frozen=True, slots=True)
class Node:
    """A box and where it is."""

    place: Place
    code: bytes
    size: int  # bytes, header included
    header_size: int  # bytes
    box: Box | None  # None: media data, a container, or not readable
    children: tuple[Node, ...]
    fault: MalformedMedia | None

    @property
    def start(self) -> int:
        """Offset of the first byte."""
        return self.place.offset or 0

    @property
    def end(self) -> int:
        """Offset behind the last byte."""
        return self.start + self.size

    def walk(self) -> Iterator[Node]:
        """The node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, code: bytes) -> tuple[Node, ...]:
        """The children of that type."""
        return tuple(child for child in self.children if child.code == code)

    def find(self, *path: bytes) -> Node | None:
        """What is reached by these types, each the first of its kind."""
        here: Node | None = self
        for code in path:
            here = next(iter(here.all(code)), None) if here else None
        return here

    def get(self, cls: type[B], *path: bytes) -> B | None:
        """The box of that class at a path, if it is there and can be read."""
        node = self.find(*path)
        return node.box if node and isinstance(node.box, cls) else None


def read_tree(view: View) -> tuple[Node, ...]:
    """Every box of a file; the last node has a fault where the file is no further readable."""
    return tuple(_Walk(view).top())


class _Walk:
    def __init__(self, view: View) -> None:
        self.view = view
        self.left = MAX_BOXES

    def top(self) -> Iterator[Node]:
        offset = 0
        while offset < self.view.size:
            node = self.at(offset)
            yield node
            if node.size == 0:
                return
            offset = node.end

    def at(self, offset: int) -> Node:
        start = self.view.read(offset, offset + _HEADER)
        try:
            header = read_header(ByteReader(start, base=offset))
        except MalformedMedia as exc:
            return self.broken(offset, exc)
        size = header.size if start[:4] != bytes(4) else self.view.size - offset
        name = _name(header.four_cc)
        if offset + size > self.view.size:
            problem = f"ends {offset + size - self.view.size} bytes behind the end of the file"
            return self.broken(offset, MalformedMedia(problem, path=name, offset=offset))
        place = Place(self.view.address, name, offset)
        if header.four_cc in _UNLOADED:
            return Node(place, header.four_cc, size, header.header_size, None, (), None)
        if size > MAX_LOADED:
            fault = MalformedMedia(f"is {size} bytes long", path=name, offset=offset)
            return Node(place, header.four_cc, size, header.header_size, None, (), fault)
        reader = ByteReader(self.view.read(offset, offset + size), base=offset)
        return next(self.inside(reader, "", in_stsd=False))

    def broken(self, offset: int, fault: MalformedMedia) -> Node:
        return Node(Place(self.view.address, fault.path, offset), b"", 0, 0, None, (), fault)

    def inside(self, reader: ByteReader, path: str, *, in_stsd: bool) -> Iterator[Node]:
        """The boxes that follow each other in these bytes."""
        while reader.remaining:
            start = reader.position
            try:
                if self.left == 0 or reader.depth > MAX_DEPTH:
                    raise reader.fail("too many boxes, or too deep")
                self.left -= 1
                header = read_header(reader)
                body = reader.inner(header.body_size, name=_name(header.four_cc))
            except MalformedMedia as exc:
                yield self.broken(reader.base + start, _placed(exc, path))
                return
            whole = reader.view[start : reader.position]
            yield self.node(whole, header, body, path, in_stsd=in_stsd)

    def node(
        self, whole: memoryview, header: Header, body: ByteReader, path: str, *, in_stsd: bool
    ) -> Node:
        code = header.four_cc
        own = f"{path}/{_name(code)}" if path else _name(code)
        offset = body.base - header.header_size
        box: Box | None = None
        fault: MalformedMedia | None = None
        children: tuple[Node, ...] = ()
        if code == b"udta" or code not in CONTAINERS:  # a udta may end with four zero bytes
            reader = ByteReader(whole, path=path, base=offset, depth=body.depth - 1)
            try:
                box = _entry(reader) if in_stsd else read_box(reader)
            except MalformedMedia as exc:
                fault = exc
        skipped = _fields(code, in_stsd=in_stsd)
        if skipped is not None and body.remaining >= skipped:
            body.take(skipped)
            if bytes(body.view[body.position :]) == bytes(4):
                body.take(4)
            children = tuple(self.inside(body, own, in_stsd=code == b"stsd"))
        place = Place(self.view.address, own, offset)
        return Node(place, code, header.size, header.header_size, box, children, fault)


def _fields(code: bytes, *, in_stsd: bool) -> int | None:
    """Bytes of fields before the boxes inside; None: there are none inside."""
    if in_stsd:
        return _ENTRY_FIELDS if code in AUDIO_ENTRIES else None
    if code == b"stsd":
        return _STSD_FIELDS
    return 0 if code in CONTAINERS else None


def _entry(reader: ByteReader) -> Box:
    """A sample entry: what it is called does not say that it is one (`alac`)."""
    count = (1).to_bytes(4, "big")
    table = ByteReader(bytes(4) + count + bytes(reader.view), path=reader.path)
    table.base = reader.base - len(count) * 2
    table.depth = reader.depth
    return SampleDescriptionBox.read_body(table).entries[0]


def _name(code: bytes) -> str:
    return code.decode("latin-1")


def _placed(fault: MalformedMedia, path: str) -> MalformedMedia:
    return fault if fault.path else MalformedMedia(fault.problem, path=path, offset=fault.offset)

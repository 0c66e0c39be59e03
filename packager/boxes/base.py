"""What every box has: a header, a body, a place in the tree. ISO/IEC 14496-12:2022, 4.2.

A box class names its fields as the specification does and has two methods side by side, in the
same order and under the same conditions: `write_body` and `read_body`. Anything that follows
from the fields (sizes, counts, flags) is computed, never stored. Types that nobody registered
become `UnknownBox` and are written back as they were.

What was read is written back byte for byte, with these exceptions: a box whose size is 0 ("to
the end") or 64 bits wide without need gets an ordinary one; reserved bits become 0; QuickTime's
own fields (component names in `hdlr`, language numbers, the zeros after a `udta`) and descriptors
in `esds` that mean nothing here are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

from packager.bytestream import ByteReader, ByteWriter
from packager.errors import MalformedMedia

MAX_DEPTH = 16  # deeper nesting than any real file has
_LARGE = 1 << 32  # sizes from here on need the 64-bit form


@dataclass(frozen=True, slots=True)
class Header:
    """A box header as it stands in a file."""

    four_cc: bytes
    size: int  # bytes, header included
    header_size: int  # bytes: 8, or 16 with a 64-bit size

    @property
    def body_size(self) -> int:
        """Bytes after the header."""
        return self.size - self.header_size


@dataclass(frozen=True, slots=True)
class Box:
    """Base of all boxes. A subclass sets `four_cc` and the two body methods."""

    four_cc: ClassVar[bytes] = b""

    @property
    def code(self) -> bytes:
        """The four-character code."""
        return self.four_cc

    def write_body(self, writer: ByteWriter) -> None:
        """Append everything after the header."""
        raise NotImplementedError

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Read everything after the header; raises MalformedMedia and nothing else."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """The whole box."""
        writer = ByteWriter()
        self.write_body(writer)
        size = len(writer) + 8
        if size < _LARGE:
            return size.to_bytes(4, "big") + self.code + bytes(writer)
        return (1).to_bytes(4, "big") + self.code + (size + 8).to_bytes(8, "big") + bytes(writer)


@dataclass(frozen=True, slots=True)
class FullBox(Box):
    """A box with version and flags. ISO/IEC 14496-12:2022, 4.2.2.

    `write_fields` and `read_fields` take the place of the body methods; `version` and `flags`
    follow from the fields unless a subclass says otherwise.
    """

    versions: ClassVar[tuple[int, ...]] = (0,)  # the ones that can be read

    @property
    def version(self) -> int:
        """Version to write."""
        return 0

    @property
    def flags(self) -> int:
        """Flags to write, 24 bits."""
        return 0

    def write_body(self, writer: ByteWriter) -> None:
        """Version, flags, then the fields."""
        writer.uint(self.version, 1)
        writer.uint(self.flags, 3)
        self.write_fields(writer)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Version and flags, which stay with the reader, then the fields."""
        reader.version = reader.uint(1)
        if reader.version not in cls.versions:
            raise reader.fail(f"version {reader.version} is not known")
        reader.flags = reader.uint(3)
        return cls.read_fields(reader)

    def write_fields(self, writer: ByteWriter) -> None:
        """Append everything after version and flags."""
        raise NotImplementedError

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Read everything after version and flags."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UnknownBox(Box):
    """A box of a type that is not modelled, kept byte for byte."""

    kind: bytes
    body: bytes

    @property
    def code(self) -> bytes:
        """The four-character code it was read with."""
        return self.kind

    def write_body(self, writer: ByteWriter) -> None:
        """The body as it was."""
        writer.data(self.body)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Keep everything."""
        return cls(reader.code, reader.rest())


B = TypeVar("B", bound=Box)


@dataclass(frozen=True, slots=True)
class Container(Box):
    """A box that holds nothing but boxes (`moov`, `trak`, `mdia`, ...)."""

    kind: bytes
    children: tuple[Box, ...]

    @property
    def code(self) -> bytes:
        """Which container it is."""
        return self.kind

    def write_body(self, writer: ByteWriter) -> None:
        """The children in order."""
        for child in self.children:
            writer.data(child.encode())

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """The children in order; QuickTime ends a `udta` with four zero bytes, which go."""
        children = []
        while reader.remaining:
            if reader.code == b"udta" and reader.remaining == 4 and not reader.uint(4):
                break
            children.append(read_box(reader))
        return cls(reader.code, tuple(children))

    def find(self, cls: type[B]) -> B | None:
        """The first child of that class."""
        return next((child for child in self.children if isinstance(child, cls)), None)

    def get(self, cls: type[B]) -> B:
        """The first child of that class; MalformedMedia where it is missing."""
        child = self.find(cls)
        if child is None:
            name = cls.four_cc.decode("latin-1")
            raise MalformedMedia(f"has no {name}", path=self.kind.decode("latin-1"))
        return child

    def all(self, kind: bytes) -> tuple[Container, ...]:
        """Every child container of that type."""
        return tuple(
            child for child in self.children if isinstance(child, Container) and child.kind == kind
        )

    def inside(self, *path: bytes) -> Container:
        """The container reached by these types, each the first; MalformedMedia if missing."""
        here = self
        for kind in path:
            found = here.all(kind)
            if not found:
                where = here.kind.decode("latin-1")
                raise MalformedMedia(f"has no {kind.decode('latin-1')}", path=where)
            here = found[0]
        return here


# sinf is 8.12.1; the others are in the clauses of the boxes they hold.
CONTAINERS = frozenset(
    (b"moov", b"trak", b"edts", b"mdia", b"minf", b"dinf", b"stbl", b"mvex")
) | frozenset((b"moof", b"traf", b"udta", b"ludt", b"sinf", b"schi", b"mfra"))
_REGISTRY: dict[bytes, type[Box]] = {}


def register(*four_ccs: bytes) -> Callable[[type[B]], type[B]]:
    """Class decorator: boxes of these types (or of the class's own) are read by the class."""

    def add(cls: type[B]) -> type[B]:
        for four_cc in four_ccs or (cls.four_cc,):
            _REGISTRY[four_cc] = cls
        return cls

    return add


def class_of(four_cc: bytes) -> type[Box]:
    """What reads a box of that type outside of sample descriptions."""
    return _REGISTRY.get(four_cc, UnknownBox)


def read_header(reader: ByteReader) -> Header:
    """A box header; a size of 0 means "to the end of what there is"."""
    available = reader.remaining
    size = reader.uint(4)
    four_cc = reader.four_cc()
    header_size = 8
    if size == 1:
        size = reader.uint(8)
        header_size = 16
    elif size == 0:
        size = available
    if size < header_size:
        raise reader.fail(f"box {four_cc!r} is said to be {size} bytes long")
    return Header(four_cc, size, header_size)


def read_box(reader: ByteReader, classes: Mapping[bytes, type[Box]] = _REGISTRY) -> Box:
    """The next box with all its children; `classes` says what reads which type."""
    if reader.depth > MAX_DEPTH:
        raise reader.fail(f"boxes are nested more than {MAX_DEPTH} deep")
    header = read_header(reader)
    name = header.four_cc.decode("latin-1")
    body = reader.inner(header.body_size, name=name, code=header.four_cc)
    if header.four_cc in CONTAINERS:
        return Container.read_body(body)
    box = classes.get(header.four_cc, UnknownBox).read_body(body)
    body.finish()
    return box


def read_boxes(reader: ByteReader) -> Iterator[Box]:
    """Every box up to the end of the bytes."""
    while reader.remaining:
        yield read_box(reader)


def parse(data: bytes | memoryview) -> tuple[Box, ...]:
    """Every box in these bytes; raises MalformedMedia."""
    return tuple(read_boxes(ByteReader(data)))

"""A file's box tree, for people and programs: every box with its place and what it says.

Broken boxes are part of what a dump is for: they become nodes with a `problem`, and the rest of
the file is shown all the same. Nothing is read of what is not modeled, media data least of all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import BinaryIO
from uuid import UUID

from packager.boxes.base import CONTAINERS, MAX_DEPTH, FullBox, UnknownBox, class_of
from packager.boxes.entries import AUDIO_ENTRIES, AudioSampleEntry
from packager.bytestream import ByteReader
from packager.demux.stream import ByteStream
from packager.errors import MalformedMedia

Value = int | str | bool | None | list["Value"] | dict[str, "Value"]

MAX_BODY_BYTES = 64 << 20  # of a box that is read: the tables of a day
MAX_NODES = 1 << 20
_ENTRY_HEAD = 28  # bytes of an AudioSampleEntry before its boxes. ISO/IEC 14496-12:2022, 12.2.3
_QUICKTIME_EXTRA = {1: 16, 2: 36}  # bytes that QuickTime's versions add
_HEXADECIMAL = frozenset(
    ("flags", "object_type", "default_sample_flags", "first_sample_flags", "scheme_version")
)
_SHOWN = 8  # items of a list, in text
_SHOWN_DIGITS = 64  # of a hexadecimal value, in text


@dataclass(frozen=True, slots=True)
class Node:
    """One box."""

    type: str
    offset: int  # bytes from the start of the file
    size: int  # bytes, header included
    header_size: int  # bytes: 8, 16 with a 64-bit size
    fields: Mapping[str, Value] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    problem: str | None = None

    def document(self) -> dict[str, Value]:
        """The same as JSON has it."""
        found: dict[str, Value] = {
            "type": self.type,
            "offset": self.offset,
            "size": self.size,
            "header_size": self.header_size,
        }
        if self.fields:
            found["fields"] = dict(self.fields)
        if self.problem is not None:
            found["problem"] = self.problem
        if self.children:
            found["children"] = [child.document() for child in self.children]
        return found


def dump(source: BinaryIO) -> tuple[Node, ...]:
    """The boxes of a file; MalformedMedia if it does not begin with one."""
    stream = ByteStream(source)
    if not (stream.at(4, 4).isascii() and stream.at(4, 4).isalnum()):
        raise MalformedMedia("does not begin with a box: not an MP4 file", offset=0)
    return _Walk(stream).boxes(0, stream.size)


def text(nodes: tuple[Node, ...], indent: int = 0) -> Iterator[str]:
    """Lines as `mp4dump` has them: `[moov] size=8+740`, fields and children indented below."""
    pad = "  " * indent
    for node in nodes:
        size = f"{node.header_size}+{node.size - node.header_size}"
        yield f"{pad}[{node.type}] offset={node.offset} size={size}"
        for name, value in node.fields.items():
            if value is not None:  # an optional field that is not there
                yield f"{pad}  {name} = {_in_line(name, value)}"
        if node.problem is not None:
            yield f"{pad}  ! {node.problem}"
        yield from text(node.children, indent + 1)


class _Walk:
    """Goes through the boxes of one file."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.left = MAX_NODES

    def boxes(self, start: int, end: int, parent: str = "", depth: int = 0) -> tuple[Node, ...]:
        """The boxes between two offsets."""
        found: list[Node] = []
        while start < end:
            if parent == "udta" and end - start == 4:
                break  # QuickTime ends a udta with four zero bytes
            node = self._box(start, end, parent, depth)
            found.append(node)
            self.left -= 1
            if node.problem is not None and node.size < 8:
                break
            if self.left < 0:
                raise MalformedMedia(f"more than {MAX_NODES} boxes")
            start += node.size
        return tuple(found)

    def _box(self, start: int, end: int, parent: str, depth: int) -> Node:
        head = self.stream.at(start, min(16, end - start))
        size, header_size = int.from_bytes(head[:4], "big"), 8
        name = _four_cc(head[4:8])
        if size == 1:
            size, header_size = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - start
        if size < header_size or len(head) < header_size:
            return Node(name, start, len(head[:4]), 0, problem=f"a box of {size} bytes")
        if start + size > end:
            problem = f"is {size} bytes long, {end - start} are left"
            return Node(name, start, end - start, header_size, problem=problem)
        if depth >= MAX_DEPTH:
            return Node(name, start, size, header_size, problem="is nested too deep")
        try:
            values, inside = self._content(head[4:8], start + header_size, start + size, parent)
        except MalformedMedia as exc:
            return Node(name, start, size, header_size, problem=str(exc))
        children = () if inside is None else self.boxes(inside, start + size, name, depth + 1)
        return Node(name, start, size, header_size, values, children)

    def _content(
        self, code: bytes, body: int, end: int, parent: str
    ) -> tuple[dict[str, Value], int | None]:
        """What a box says, and where boxes begin in it; None: it holds none."""
        if code in CONTAINERS:
            return {}, body
        if code == b"meta":  # a full box in ISO files, a plain one in QuickTime's
            return {}, body if any(self.stream.at(body, min(4, end - body))) else body + 4
        if code == b"stsd":
            head = self._reader(code, body, min(body + 8, end))
            version, flags = head.uint(1), head.uint(3)
            return {"version": version, "flags": flags, "entry_count": head.uint(4)}, body + 8
        if parent == "stsd":
            return self._entry(code, body, end)
        if code == b"uuid":
            return {"usertype": str(UUID(bytes=self._reader(code, body, body + 16).data(16)))}, None
        return self._leaf(code, body, end), None

    def _entry(self, code: bytes, body: int, end: int) -> tuple[dict[str, Value], int | None]:
        """An audio sample entry; those of other tracks are not modeled."""
        if code not in AUDIO_ENTRIES:
            return {}, None
        reader = self._reader(code, body, min(body + _ENTRY_HEAD, end))
        version = int.from_bytes(reader.view[8:10], "big")
        if version:
            extra = _QUICKTIME_EXTRA.get(version, 0)
            return {"quicktime_version": version}, min(body + _ENTRY_HEAD + extra, end)
        box = AudioSampleEntry.read_body(reader)
        values: dict[str, Value] = {
            "data_reference_index": box.data_reference_index,
            "channel_count": box.channel_count,
            "sample_size": box.sample_size,
            "sample_rate": box.sample_rate >> 16,
        }
        return values, body + _ENTRY_HEAD

    def _leaf(self, code: bytes, body: int, end: int) -> dict[str, Value]:
        reader_class = class_of(code)
        if reader_class is UnknownBox:
            return {}
        reader = self._reader(code, body, end)
        box = reader_class.read_body(reader)
        reader.finish()
        values: dict[str, Value] = {}
        if issubclass(reader_class, FullBox):
            values = {"version": reader.view[0], "flags": int.from_bytes(reader.view[1:4], "big")}
        for one in fields(box):
            if one.name != "kind":
                values[one.name] = readable(one.name, getattr(box, one.name))
        return values

    def _reader(self, code: bytes, start: int, end: int) -> ByteReader:
        if end - start > MAX_BODY_BYTES:
            raise MalformedMedia(f"a body of {end - start} bytes", offset=start)
        data = self.stream.at(start, end - start)
        return ByteReader(data, path=_four_cc(code), base=start, code=code)


def readable(name: str, value: object) -> Value:
    """A field's value as JSON can say it: text for codes, UUIDs for identifiers, else hex."""
    if isinstance(value, bytes):
        return _bytes(name, value)
    if isinstance(value, array):
        return list(value)
    if isinstance(value, tuple):
        return [readable(name, one) for one in value]
    if is_dataclass(value):
        return {one.name: readable(one.name, getattr(value, one.name)) for one in fields(value)}
    if value is None or isinstance(value, int | str):
        return value
    return str(value)


def _bytes(name: str, value: bytes) -> Value:
    if len(value) == 16 and name in {"default_kid", "kids", "system_id"}:
        return str(UUID(bytes=value))
    if name == "name":
        return value.rstrip(b"\0").decode("utf-8", "replace")
    if len(value) == 4 and all(0x20 <= byte < 0x7F for byte in value):
        return value.decode("ascii")
    return value.hex()


def _four_cc(code: bytes) -> str:
    """A box type; bytes that are no characters in hexadecimal, but for Apple's copyright sign."""
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F or byte == 0xA9 else f"\\x{byte:02x}" for byte in code
    )


def _in_line(name: str, value: Value) -> str:
    if name in _HEXADECIMAL and isinstance(value, int):
        return f"{value:#x}"
    return _short(value)


def _short(value: Value) -> str:
    if isinstance(value, list):
        shown = ", ".join(_short(one) for one in value[:_SHOWN])
        more = f", ... ({len(value)} in all)" if len(value) > _SHOWN else ""
        return f"[{shown}{more}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_short(one)}" for name, one in value.items()) + "}"
    if isinstance(value, str) and len(value) > _SHOWN_DIGITS:
        return f"{value[:_SHOWN_DIGITS]}... ({len(value)} characters)"
    return str(value)

"""HLS playlists as an inspector reads them: every tag with its place, nothing refused. RFC 8216."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from packager.check.findings import Place
from packager.model import ByteSpan

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)(?:,|$)')  # 4.2
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,12})?")
_RANGE = re.compile(r"(\d{1,18})(?:@(\d{1,18}))?")


@dataclass(frozen=True, slots=True)
class Tag:
    """One line: a tag with its value, or a URI (whose name is empty)."""

    place: Place
    name: str
    value: str

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attribute list, quotes taken off."""
        return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(self.value)}


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """A segment: its URI and the tags that apply to it."""

    uri: Tag
    duration: Fraction | None  # seconds, of EXTINF
    span: ByteSpan | None  # of EXT-X-BYTERANGE, its start counted on where it is left out
    header: Tag | None  # the EXT-X-MAP
    header_keys: tuple[Tag, ...]  # the EXT-X-KEYs in force at the EXT-X-MAP
    keys: tuple[Tag, ...]  # the EXT-X-KEYs in force
    discontinuity: Tag | None
    number: int  # media sequence number


@dataclass(frozen=True, slots=True)
class Playlist:
    """A playlist of either kind."""

    address: str
    tags: tuple[Tag, ...]
    segments: tuple[MediaSegment, ...] = field(default=())

    @property
    def top(self) -> Place:
        """The playlist as a whole."""
        return Place(self.address, "#EXTM3U", 0)

    @property
    def is_multivariant(self) -> bool:
        """Whether it lists variants instead of segments."""
        return any(tag.name in {"EXT-X-STREAM-INF", "EXT-X-MEDIA"} for tag in self.tags)

    def all(self, name: str) -> tuple[Tag, ...]:
        """Every tag of that name."""
        return tuple(tag for tag in self.tags if tag.name == name)

    def find(self, name: str) -> Tag | None:
        """The first tag of that name."""
        return next((tag for tag in self.tags if tag.name == name), None)

    def variants(self) -> Iterator[tuple[Tag, Tag]]:
        """Each EXT-X-STREAM-INF with the URI line that follows it."""
        previous: Tag | None = None
        for tag in self.tags:
            if not tag.name and previous:
                yield previous, tag
                previous = None
            elif tag.name == "EXT-X-STREAM-INF":
                previous = tag


def read_playlist(address: str, data: bytes) -> Playlist:
    """Every line that is not a comment; text that is no UTF-8 is replaced."""
    tags = tuple(_tags(address, data))
    return Playlist(address, tags, tuple(_segments(tags)))


def _tags(address: str, data: bytes) -> Iterator[Tag]:
    offset = 0
    for raw in data.split(b"\n"):
        line = raw.decode("utf-8", "replace").strip("\r\ufeff")
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            yield Tag(Place(address, f"#{name}", offset), name, value)
        elif line.strip() and not line.startswith("#"):
            yield Tag(Place(address, "URI", offset), "", line.strip())
        offset += len(raw) + 1


class _State:
    """What the tags above a URI line have said."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.keys: tuple[Tag, ...] = ()
        self.header: Tag | None = None
        self.header_keys: tuple[Tag, ...] = ()
        self.ends: dict[str, int] = {}  # where the last range of each file ended
        self.clear()

    def clear(self) -> None:
        self.duration: Fraction | None = None
        self.range = ""
        self.discontinuity: Tag | None = None

    def key(self, tag: Tag) -> None:
        """It holds until the next of its KEYFORMAT; NONE ends them all. 4.3.2.4."""
        if tag.attributes.get("METHOD") == "NONE":
            self.keys = ()
            return
        form = key_format(tag)
        self.keys = (*(one for one in self.keys if key_format(one) != form), tag)

    def take(self, tag: Tag) -> None:
        """A tag that says something of segments."""
        match tag.name:
            case "EXT-X-KEY":
                self.key(tag)
            case "EXTINF":
                self.duration = decimal(tag.value.partition(",")[0])
            case "EXT-X-BYTERANGE":
                self.range = tag.value
            case "EXT-X-MAP":
                self.header, self.header_keys = tag, self.keys
            case "EXT-X-DISCONTINUITY":
                self.discontinuity = tag

    def segment(self, uri: Tag) -> MediaSegment:
        span = byte_range(self.range, self.ends.get(uri.value, 0))
        if span:
            self.ends[uri.value] = span.end
        made = MediaSegment(
            uri,
            self.duration,
            span,
            self.header,
            self.header_keys,
            self.keys,
            self.discontinuity,
            self.number,
        )
        self.number += 1
        self.clear()
        return made


def _segments(tags: tuple[Tag, ...]) -> Iterator[MediaSegment]:
    first = next((tag for tag in tags if tag.name == "EXT-X-MEDIA-SEQUENCE"), None)
    state = _State(number(first.value) or 0 if first else 0)
    for tag in tags:
        if tag.name:
            state.take(tag)
        else:
            yield state.segment(tag)


def key_format(tag: Tag) -> str:
    """The KEYFORMAT of an EXT-X-KEY: `identity` where there is none."""
    return tag.attributes.get("KEYFORMAT", "identity")


def decimal(text: str) -> Fraction | None:
    """A decimal-integer or decimal-floating-point; None if it is neither. 4.2."""
    return Fraction(text) if _DECIMAL.fullmatch(text) else None


def number(text: str) -> int | None:
    """A decimal-integer; None if it is not one. 4.2."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def byte_range(text: str, start: int = 0) -> ByteSpan | None:
    """`n[@o]`; without an offset it begins at `start`. None if it is no range. 4.3.2.2."""
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    first = int(found[2]) if found[2] is not None else start
    return ByteSpan(first, first + int(found[1]))


def hexadecimal(text: str) -> bytes | None:
    """A hexadecimal-sequence (0x...) of 16 bytes, zeros put before a short one. 4.2, 4.3.2.4."""
    digits = text[2:]
    if text[:2].lower() != "0x" or not digits or len(digits) > 32:
        return None
    try:
        return bytes.fromhex(digits.rjust(32, "0"))
    except ValueError:
        return None

"""MPDs as an inspector reads them: the attributes that matter, inherited and placed.

ISO/IEC 23009-1:2022. XML is read without DTD, entities, network or huge trees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice

from lxml import etree

from packager.check.findings import Place
from packager.check.playlist import number
from packager.check.source import resolve
from packager.model import ByteSpan

MPD = "urn:mpeg:dash:schema:mpd:2011"
CENC = "urn:mpeg:cenc:2013"
_DURATION = re.compile(  # xs:duration without years and months
    r"P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,20})?)S)?)?"
)
_NUMBER = re.compile(r"\$(RepresentationID|Number|Time|Bandwidth)?(?:%0(\d{1,2})d)?\$")
_MAX_SEGMENTS = 65_536  # of one template: more is a mistake in it


@dataclass(frozen=True, slots=True)
class Element:
    """An XML element with its place and the elements that it inherits from."""

    file: str
    xml: etree._Element
    offset: int  # bytes: of the line it begins on
    above: tuple[Element, ...] = ()  # innermost first

    @property
    def name(self) -> str:
        """Its name without the namespace."""
        return etree.QName(self.xml).localname

    @property
    def place(self) -> Place:
        """Where it is."""
        names = [one.name for one in reversed(self.above)]
        return Place(self.file, "/".join((*names, self.name)), self.offset)

    def get(self, attribute: str) -> str | None:
        """An attribute of its own."""
        return self.xml.get(attribute)

    def inherited(self, attribute: str) -> str | None:
        """An attribute of its own or of the nearest element around it that has one."""
        found = (one.xml.get(attribute) for one in (self, *self.above))
        return next((value for value in found if value is not None), None)

    def all(self, name: str, lines: list[int]) -> list[Element]:
        """The child elements of a name."""
        return [
            Element(self.file, child, _offset(child, lines), (self, *self.above))
            for child in self.xml.findall(f"{{{MPD}}}{name}")
        ]


@dataclass(frozen=True, slots=True)
class Piece:
    """A media segment as the MPD addresses it."""

    address: str
    span: ByteSpan | None
    start: Fraction | None  # seconds of presentation time, before the offset is taken off
    duration: Fraction | None  # seconds


@dataclass(frozen=True, slots=True)
class Representation:
    """A Representation with what it inherits."""

    element: Element
    adaptation_set: Element
    base: str  # the address that its references start from
    protections: tuple[Element, ...]
    channels: tuple[Element, ...]
    addressing: Element | None  # SegmentBase, SegmentTemplate or SegmentList: the innermost
    header: tuple[str, ByteSpan | None] | None
    index: ByteSpan | None
    pieces: tuple[Piece, ...] | None  # None: the file that `base` names, by its sidx
    timescale: int
    offset: int  # presentationTimeOffset, ticks

    @property
    def name(self) -> str:
        """Its id."""
        return self.element.get("id") or ""


@dataclass(frozen=True, slots=True)
class Presentation:
    """The MPD."""

    root: Element
    sets: tuple[tuple[Element, tuple[Representation, ...]], ...]  # of all Periods
    periods: tuple[Element, ...]
    lines: tuple[int, ...]


def read_presentation(address: str, data: bytes) -> Presentation:
    """Read an MPD; ValueError where it is no XML or no MPD, with the reason.

    References that lead nowhere raise Unreadable.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False
    )
    try:
        xml = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        raise ValueError(f"not well-formed: {exc.msg}") from exc
    if xml.getroottree().docinfo.internalDTD is not None:
        raise ValueError("has a document type declaration, which players refuse")
    if xml.tag != f"{{{MPD}}}MPD":
        raise ValueError(f"the root element is {str(xml.tag)[:100]!r}, not MPD of {MPD}")
    return _Reading(address, data, xml).presentation()


class _Reading:
    def __init__(self, address: str, data: bytes, xml: etree._Element) -> None:
        self.lines = [0]
        for line in data.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.root = Element(address, xml, _offset(xml, self.lines))
        self.address = address

    def presentation(self) -> Presentation:
        periods = self.root.all("Period", self.lines)
        sets = tuple(
            (one, tuple(self.representations(one)))
            for period in periods
            for one in period.all("AdaptationSet", self.lines)
        )
        return Presentation(self.root, sets, tuple(periods), tuple(self.lines))

    def representations(self, parent: Element) -> Iterator[Representation]:
        for element in parent.all("Representation", self.lines):
            yield self.representation(element, parent)

    def representation(self, element: Element, parent: Element) -> Representation:
        base = self.address
        for one in (*reversed(element.above), element):
            found = one.all("BaseURL", self.lines)
            base = resolve(base, (found[0].xml.text or "").strip()) if found else base
        addressing = self.addressing(element)
        timescale = _attribute(addressing, "timescale") or 1
        header = index = None
        if addressing:
            header = self.header(addressing, element, base)
            index = http_range(self.inherit(addressing, "indexRange"))
        return Representation(
            element,
            parent,
            base,
            (*element.all("ContentProtection", self.lines), *self.of(parent, "ContentProtection")),
            (
                *element.all("AudioChannelConfiguration", self.lines),
                *self.of(parent, "AudioChannelConfiguration"),
            ),
            addressing,
            header,
            index,
            self.pieces(addressing, element, base, timescale),
            timescale,
            _attribute(addressing, "presentationTimeOffset") or 0,
        )

    def of(self, parent: Element, name: str) -> list[Element]:
        return parent.all(name, self.lines)

    def addressing(self, element: Element) -> Element | None:
        for level in (element, *element.above):
            for name in ("SegmentBase", "SegmentTemplate", "SegmentList"):
                found = level.all(name, self.lines)
                if found:
                    return found[0]
        return None

    def inherit(self, addressing: Element, name: str) -> str:
        """An attribute of an addressing element, or of the same element further out. 5.3.9.1."""
        for level in (addressing, *addressing.above):
            same = [level] if level is addressing else level.all(addressing.name, self.lines)
            for one in same:
                if (value := one.get(name)) is not None:
                    return value
        return ""

    def header(
        self, addressing: Element, element: Element, base: str
    ) -> tuple[str, ByteSpan | None] | None:
        if template := self.inherit(addressing, "initialization"):
            return resolve(base, _filled(template, element, 0, 0)), None
        for one in addressing.all("Initialization", self.lines):
            span = http_range(one.get("range") or "")
            return resolve(base, one.get("sourceURL") or ""), span
        return None

    def pieces(
        self, addressing: Element | None, element: Element, base: str, timescale: int
    ) -> tuple[Piece, ...] | None:
        if addressing is None or addressing.name == "SegmentBase":
            return None
        if addressing.name == "SegmentList":
            return tuple(
                Piece(
                    resolve(base, one.get("media") or ""),
                    http_range(one.get("mediaRange") or ""),
                    None,
                    None,
                )
                for one in addressing.all("SegmentURL", self.lines)
            )
        template = self.inherit(addressing, "media")
        first = _attribute(addressing, "startNumber")
        first = 1 if first is None else first
        return tuple(
            Piece(
                resolve(base, _filled(template, element, first + at, start)),
                None,
                Fraction(start, timescale),
                Fraction(duration, timescale),
            )
            for at, (start, duration) in enumerate(self.times(addressing, element, timescale))
        )

    def times(
        self, addressing: Element, element: Element, timescale: int
    ) -> Iterator[tuple[int, int]]:
        """Start and duration of each segment, in ticks."""
        period = next(one for one in element.above if one.name == "Period")
        total = seconds(period.get("duration") or self.root.get("mediaPresentationDuration")) or 0
        timelines = addressing.all("SegmentTimeline", self.lines)
        if timelines:
            rows = timelines[0].all("S", self.lines)
            return islice(timeline(rows, int(total * timescale)), _MAX_SEGMENTS)
        step = _attribute(addressing, "duration") or 0
        count = min(int(-(-total * timescale // step)), _MAX_SEGMENTS) if step else 0
        return ((at * step, step) for at in range(count))


def timeline(rows: list[Element], total: int) -> Iterator[tuple[int, int]]:
    """The (t, d) of each segment of a SegmentTimeline, ticks. 5.3.9.6."""
    time = 0
    starts = [number(row.get("t") or "") for row in rows]
    for at, row in enumerate(rows):
        time = starts[at] if starts[at] is not None else time  # type: ignore[assignment]  # not None
        duration = number(row.get("d") or "") or 0
        repeated = number(row.get("r") or "") or 0
        if (row.get("r") or "").startswith("-") and duration:  # up to the next S, or to the end
            following = starts[at + 1] if at + 1 < len(starts) else None
            repeated = -(-((following or total) - time) // duration) - 1
        for _ in range(repeated + 1):
            yield time, duration
            time += duration


def seconds(text: str | None) -> Fraction | None:
    """An xs:duration in seconds; None where it is none that a player would take."""
    found = _DURATION.fullmatch(text or "")
    if not found or text in {"P", "PT"}:
        return None
    days, hours, minutes, rest = (Decimal(part or 0) for part in found.groups())
    return Fraction(((days * 24 + hours) * 60 + minutes) * 60) + Fraction(rest)


def http_range(text: str) -> ByteSpan | None:
    """`first-last`, both included, as a half-open range."""
    first, dash, last = text.partition("-")
    start, end = number(first), number(last)
    if not dash or start is None or end is None or end < start:
        return None
    return ByteSpan(start, end + 1)


def _attribute(element: Element | None, name: str) -> int | None:
    return number(element.get(name) or "") if element else None


def _filled(template: str, element: Element, index: int, time: int) -> str:
    """A template with its identifiers filled in. 5.3.9.4.4, table 22."""
    values: dict[str | None, str | int] = {
        "RepresentationID": element.get("id") or "",
        "Number": index,
        "Time": time,
        "Bandwidth": element.get("bandwidth") or "",
        None: "$",
    }

    def fill(found: re.Match[str]) -> str:
        value = values[found[1]]
        return f"{value:0{int(found[2])}d}" if found[2] and isinstance(value, int) else str(value)

    return _NUMBER.sub(fill, template)


def _offset(xml: etree._Element, lines: list[int]) -> int:
    line: int | None = xml.sourceline  # type: ignore[assignment]  # the stubs have an Ellipsis
    return lines[min(line or 1, len(lines)) - 1]

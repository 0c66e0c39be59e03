"""TTML: the W3C's timed text (TTML2), as Apple's lyrics use it.

    <tt itunes:timing="Word" xml:lang="en">
      <head><metadata><ttm:agent type="person" xml:id="v1"><ttm:name>Ada</ttm:name></ttm:agent>
      <body><div><p begin="12.0" end="15.2" ttm:agent="v1">
        <span begin="12.0" end="12.4">Hel</span><span begin="12.4" end="12.9">lo</span> ...

White space is significant: between spans it tells words from syllables. Spans whose `ttm:role`
is a translation or a transliteration are not part of the line; background vocals are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from packager.errors import MalformedMedia
from packager.text.lyrics import (
    MAX_LINES,
    Line,
    Lyrics,
    Piece,
    normalized_language,
    timed_line,
)

_TT = "{http://www.w3.org/ns/ttml}"
_TTM = "{http://www.w3.org/ns/ttml#metadata}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_ITUNES = "{http://music.apple.com/lyric-ttml-internal}"
_NOT_SUNG = {"x-translation", "x-roman"}

_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{1,2}(?:\.[0-9]{1,9})?)")
_OFFSET = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,9})?)(h|ms|m|s)?")
_UNIT_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1, None: 1_000}


def parse(text: str) -> Lyrics:
    """Read a TTML document. MalformedMedia for anything else, and for any DTD or entity."""
    root = _root(text)
    body = root.find(f"{_TT}body")
    timing = root.get(f"{_ITUNES}timing")
    if root.tag != f"{_TT}tt" or body is None:
        raise MalformedMedia("not a TTML document with a body")
    language = normalized_language(root.get(f"{_XML}lang"))
    reader = _Reader(_agents(root), is_absolute=timing is not None)
    paragraphs = list(reader.paragraphs(body, 0))
    if len(paragraphs) > MAX_LINES:
        raise MalformedMedia(f"more than {MAX_LINES} lines")
    lines = [line for line in paragraphs if line.text]
    if not lines:
        raise MalformedMedia("no line has words")
    if timing == "None" or any(line.start_ms is None for line in lines):
        return Lyrics(tuple(Line(line.text) for line in lines), language, is_synced=False)
    in_order = sorted(lines, key=lambda line: line.start_ms or 0)
    return Lyrics(tuple(in_order), language, is_synced=True)


def _root(text: str) -> etree._Element:
    """The document's element, by a parser that follows nothing (security.md 7.7)."""
    # A DTD is where every attack on an XML parser begins, and no lyrics have one.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MalformedMedia("a DTD, which no lyrics need")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    # The declaration may name another coding than the one that the text was just decoded from.
    source = _DECLARATION.sub("", text, count=1).encode()
    try:
        return etree.fromstring(source, parser)
    except etree.XMLSyntaxError as exc:
        raise MalformedMedia(f"not XML: {exc.msg}") from exc


def _agents(root: etree._Element) -> dict[str, str]:
    """Who sings, by id: the name, or else the id; empty where one voice sings everything."""
    agents = {}
    for agent in root.iter(f"{_TTM}agent"):
        name = agent.findtext(f"{_TTM}name") or ""
        key = agent.get(f"{_XML}id")
        if key:
            agents[key] = name.strip() or key
    return agents if len(agents) > 1 else {}


@dataclass(frozen=True, slots=True)
class _Reader:
    agents: dict[str, str]
    is_absolute: bool  # Apple counts from the start of the track; TTML2, 12.2, from the parent's

    def paragraphs(self, element: etree._Element, origin_ms: int) -> Iterator[Line]:
        """The lines below an element that starts at `origin_ms`."""
        for child in element:
            if child.tag == f"{_TT}p":
                yield self._paragraph(child, origin_ms)
            elif child.tag in {f"{_TT}div", f"{_TT}body"}:
                yield from self.paragraphs(child, self._origin(child, origin_ms))

    def _paragraph(self, element: etree._Element, origin_ms: int) -> Line:
        pieces = list(self._pieces(element, self._origin(element, origin_ms)))
        start_ms = self._time(element, "begin", origin_ms)
        starts = [piece.start_ms for piece in pieces if piece.start_ms is not None]
        if start_ms is None:  # a line may be timed by its words alone
            start_ms = min(starts, default=None)
        if start_ms is None:
            return Line(timed_line(pieces, 0).text)
        end_ms = self._time(element, "end", origin_ms)
        duration_ms = self._time(element, "dur", 0)
        if end_ms is None and duration_ms is not None:
            end_ms = start_ms + duration_ms
        if end_ms is not None and end_ms <= start_ms:
            end_ms = None
        voice = self.agents.get(element.get(f"{_TTM}agent", ""))
        return timed_line(pieces, start_ms, end_ms, voice)

    def _pieces(self, element: etree._Element, origin_ms: int) -> Iterator[Piece]:
        """Text in document order; what is in a timed span starts with it."""
        start_ms = self._time(element, "begin", 0) if element.tag == f"{_TT}span" else None
        yield Piece(_flat(element.text), None if start_ms is None else origin_ms)
        for child in element:
            if child.tag == f"{_TT}br":
                yield Piece("\n")
            elif child.tag == f"{_TT}span" and child.get(f"{_TTM}role") not in _NOT_SUNG:
                yield from self._pieces(child, self._origin(child, origin_ms))
            yield Piece(_flat(child.tail))

    def _origin(self, element: etree._Element, origin_ms: int) -> int:
        begin = self._time(element, "begin", origin_ms)
        return origin_ms if begin is None else begin

    def _time(self, element: etree._Element, name: str, origin_ms: int) -> int | None:
        text = element.get(name)
        if text is None:
            return None
        relative = 0 if self.is_absolute or name == "dur" else origin_ms
        return relative + _milliseconds(text)


def _flat(text: str | None) -> str:
    """Text of the source: a line break in it is white space, only `br` is a line break."""
    return (text or "").replace("\n", " ")


def _milliseconds(text: str) -> int:
    """A time expression: 12.4, 12.4s, 1:02.300 or 00:01:02.300. TTML2, 12.3.1, without frames."""
    if found := _CLOCK.fullmatch(text.strip()):
        hours, minutes, seconds = found.groups()
        return round(((int(hours or 0) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)
    if found := _OFFSET.fullmatch(text.strip()):
        return round(float(found[1]) * _UNIT_MS[found[2]])
    raise MalformedMedia(f"{text[:40]!r} is no time")

"""Byte ranges: which bytes a GET asks for. RFC 9110, clause 14; pure.

Decisions where the RFC leaves a choice: an unknown unit and an invalid set are ignored (the whole
representation is sent); several ranges are sent as one 206 when they join into one span and as
the whole otherwise, never as multipart; a set of more than `MAX_RANGES` is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_RANGES = 8  # more in one request is an attack or a mistake
_LARGEST = 10**18  # positions beyond any object; keeps int() away from digits without end

# range-spec = int-range / suffix-range. RFC 9110, 14.1.1
_SPEC = re.compile(r"([0-9]*)-([0-9]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Whole:
    """Send the whole representation (200)."""


@dataclass(frozen=True, slots=True)
class Part:
    """Send the bytes `start` up to but not including `end` (206)."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """The Content-Range of that part of `size` bytes. RFC 9110, 14.4."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Nothing that was asked for exists (416, with `Content-Range: bytes */size`)."""


Selection = Whole | Part | Unsatisfiable

_WHOLE = Whole()
_UNSATISFIABLE = Unsatisfiable()


def select(
    method: str, range_: str | None, if_range: str | None, *, etag: str, size: int
) -> Selection:
    """What to send of a representation of `size` bytes whose strong validator is `etag`.

    Range is defined for GET only, and only where If-Range is absent or holds. RFC 9110, 14.2.
    """
    if range_ is None or method != "GET" or not _if_range_holds(if_range, etag):
        return _WHOLE
    unit, equals, text = range_.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return _WHOLE
    asked = _parse(text)
    if asked is None:
        return _WHOLE
    spans = [span for span in (_resolve(one, size) for one in asked) if span is not None]
    if not spans:
        return _UNSATISFIABLE
    return _join(spans)


def _if_range_holds(if_range: str | None, etag: str) -> bool:
    """Strong comparison only; a date never matches, as we send no Last-Modified. 13.1.5."""
    return if_range is None or if_range.strip(" \t") == etag


def _parse(text: str) -> list[tuple[int | None, int | None]] | None:
    """The (first, last) and (None, suffix) pairs of a range set; None where it is invalid."""
    pairs: list[tuple[int | None, int | None]] = []
    for element in text.split(","):
        spec = element.strip(" \t")
        if not spec:  # empty list elements are to be tolerated: RFC 9110, 5.6.1.2
            continue
        match = _SPEC.fullmatch(spec)
        if match is None or spec == "-":
            return None
        first, last = (_number(digits) for digits in match.groups())
        if first is not None and last is not None and last < first:
            return None
        pairs.append((first, last))
        if len(pairs) > MAX_RANGES:
            return None
    return pairs or None


def _number(digits: str) -> int | None:
    """The value of 1*DIGIT, capped; None for no digits."""
    if not digits:
        return None
    significant = digits.lstrip("0")
    return _LARGEST if len(significant) > 18 else int(significant or "0")


def _resolve(pair: tuple[int | None, int | None], size: int) -> Part | None:
    """The bytes of one range-spec, cut to the representation; None when there are none."""
    first, last = pair
    if first is None:
        suffix = last or 0
        # A suffix of an empty representation is satisfiable (14.1.2) but has no Content-Range:
        # it becomes an empty part here and a 200 in `_join`.
        return Part(max(0, size - suffix), size) if suffix else None
    if first >= size:
        return None
    return Part(first, size if last is None else min(last + 1, size))


def _join(spans: list[Part]) -> Selection:
    """One span where all of them overlap or touch, else the whole."""
    spans.sort(key=lambda span: span.start)
    start, end = spans[0].start, spans[0].end
    for span in spans[1:]:
        if span.start > end:
            return _WHOLE
        end = max(end, span.end)
    return Part(start, end) if end > start else _WHOLE

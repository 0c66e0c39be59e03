"""LRC: a text line per line, time stamps before it, and the enhanced form's before each word.

    [ar:Ada]  [offset:+250]  [la:en]          id tags; a positive offset shows everything earlier
    [00:12.00][01:15.30]The tide comes in     one line, sung twice
    [00:16.40]<00:16.40>Hel<00:16.80>lo       words; a last stamp without text ends the line
    [00:20.00]                                nothing: the line before it ends here

There is no standard; this is what players have agreed on. Lines without a stamp are comments.
"""

from __future__ import annotations

import re

from packager.errors import MalformedMedia
from packager.text.lyrics import (
    MAX_LINES,
    Line,
    Lyrics,
    Piece,
    normalized_language,
    timed_line,
)

_TIME = r"([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?"
_STAMP = re.compile(rf"\s*\[{_TIME}\]")
_WORD = re.compile(rf"<{_TIME}>")
_ID = re.compile(r"\s*\[([A-Za-z]+):([^\]]*)\]\s*")
_OFFSET = re.compile(r"[+-]?[0-9]{1,7}")


def is_lrc(text: str) -> bool:
    """Whether any line of a text starts with a time stamp."""
    return any(_STAMP.match(line) for line in text.split("\n"))


def parse(text: str) -> Lyrics:
    """Read an LRC document. MalformedMedia where it has no timed line."""
    ids: dict[str, str] = {}
    lines: list[Line] = []
    for source in text.split("\n"):
        if found := _ID.fullmatch(source):
            ids[found[1].lower()] = found[2].strip()
            continue
        lines += _lines(source)
        if len(lines) > MAX_LINES:
            raise MalformedMedia(f"more than {MAX_LINES} lines")
    offset = ids.get("offset", "")
    earlier = int(offset) if _OFFSET.fullmatch(offset) else 0
    shifted = [_moved(line, -earlier) for line in lines]
    sung = _ended(sorted(shifted, key=lambda line: line.start_ms or 0))
    if not sung:
        raise MalformedMedia("no line has a time stamp and words")
    return Lyrics(sung, normalized_language(ids.get("la")), is_synced=True)


def _lines(source: str) -> list[Line]:
    """What one line of text means: one line of lyrics for each of its stamps."""
    starts = []
    at = 0
    while found := _STAMP.match(source, at):
        starts.append(_milliseconds(found))
        at = found.end()
    if not starts:
        return []
    first = _line(source[at:], starts[0])
    return [_moved(first, start - starts[0]) for start in starts]


def _line(body: str, start_ms: int) -> Line:
    stamps = list(_WORD.finditer(body))
    ends = [*(one.start() for one in stamps[1:]), len(body)]
    pieces = [Piece(body[: stamps[0].start()] if stamps else body)]
    for stamp, end in zip(stamps, ends, strict=False):
        pieces.append(Piece(body[stamp.end() : end], _milliseconds(stamp)))
    # A stamp with nothing after it says when the last word is over.
    last = pieces[-1]
    end_ms = None
    if last.start_ms is not None and not last.text.strip() and last.start_ms > start_ms:
        end_ms = last.start_ms
    return timed_line(pieces, start_ms, end_ms)


def _milliseconds(stamp: re.Match[str]) -> int:
    minutes, seconds, fraction = stamp.groups()
    return (int(minutes) * 60 + int(seconds)) * 1000 + int((fraction or "0").ljust(3, "0"))


def _moved(line: Line, by_ms: int) -> Line:
    if not by_ms:
        return line
    pieces = [Piece(word.text, max(0, word.start_ms + by_ms)) for word in line.words]
    end_ms = None if line.end_ms is None else max(0, line.end_ms + by_ms)
    return timed_line(
        pieces or [Piece(line.text)], max(0, (line.start_ms or 0) + by_ms), end_ms, line.voice
    )


def _ended(lines: list[Line]) -> tuple[Line, ...]:
    """Lines with words; an empty one ends the one before it."""
    sung: list[Line] = []
    for line in lines:
        if line.text:
            sung.append(line)
        elif sung and sung[-1].end_ms is None and sung[-1].start_ms != line.start_ms:
            before = sung[-1]
            sung[-1] = Line(before.text, before.start_ms, line.start_ms, before.words, before.voice)
    return tuple(sung)

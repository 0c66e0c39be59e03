"""WebVTT, read and written. W3C WebVTT: The Web Video Text Tracks Format.

A cue per line; the times of words as timestamp tags, who sings as a voice:

    00:00:12.000 --> 00:00:15.200
    <v Ada>Hel<00:00:12.400>lo
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from packager.errors import MalformedMedia
from packager.text.lyrics import MAX_LINES, Line, Lyrics, Piece, timed_line

HEADER = "WEBVTT\n"

_TIME = r"(?:([0-9]{2,4}):)?([0-5][0-9]):([0-5][0-9])\.([0-9]{3})"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?")
_TAG = re.compile(r"<([^>]*)>?")
_STAMP = re.compile(_TIME)
_VOICE = re.compile(r"v(?:\.[^ \t\n]*)?[ \t\n]+(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cue:
    """A line and the time in which it is shown, milliseconds."""

    start_ms: int
    end_ms: int
    line: Line

    @property
    def text(self) -> str:
        """The cue as a block of the file, blank line included."""
        return f"{_stamp(self.start_ms)} --> {_stamp(self.end_ms)}\n{_payload(self)}\n\n"


def cues(lyrics: Lyrics, duration_ms: int) -> tuple[Cue, ...]:
    """The lines of synced lyrics with their ends settled; none goes on after the track."""
    starts = sorted({line.start_ms or 0 for line in lyrics.lines} | {duration_ms})
    until = dict(pairwise(starts))
    made = []
    for line in lyrics.lines:
        start_ms = line.start_ms or 0
        if start_ms >= duration_ms or not line.text:
            continue
        end_ms = line.end_ms if line.end_ms is not None else until[start_ms]
        made.append(Cue(start_ms, min(max(end_ms, start_ms + 1), duration_ms), line))
    return tuple(sorted(made, key=lambda cue: (cue.start_ms, cue.end_ms)))


def write(shown: Iterable[Cue]) -> str:
    """A WebVTT file of cues."""
    return HEADER + "\n" + "".join(cue.text for cue in shown)


def parse(text: str) -> Lyrics:
    """Read a WebVTT file. Styles, regions, notes and cue settings are left out."""
    header, _, body = text.partition("\n")
    if header != "WEBVTT" and not header.startswith(("WEBVTT ", "WEBVTT\t")):
        raise MalformedMedia("no WEBVTT header")
    blocks = [block.strip("\n") for block in re.split(r"\n\n+", body)]
    lines = [line for block in blocks for line in _cue(block)]
    if not lines:
        raise MalformedMedia("no cue has words")
    if len(lines) > MAX_LINES:
        raise MalformedMedia(f"more than {MAX_LINES} lines")
    in_order = sorted(lines, key=lambda line: (line.start_ms or 0, line.end_ms or 0))
    return Lyrics(tuple(in_order), None, is_synced=True)


def _cue(block: str) -> Iterator[Line]:
    """The line of a block, if the block is a cue that has words."""
    rows = block.split("\n")
    if "-->" not in rows[0]:
        rows = rows[1:]  # a cue's identifier, or no cue
    if not rows or "-->" not in rows[0]:
        return
    timing = _TIMING.fullmatch(rows[0])
    if timing is None:
        raise MalformedMedia(f"{rows[0][:60]!r} is no cue timing")
    start_ms, end_ms = _milliseconds(*timing.groups()[:4]), _milliseconds(*timing.groups()[4:])
    if end_ms <= start_ms:
        raise MalformedMedia(f"a cue ends before it starts: {rows[0][:60]!r}")
    pieces, voice = _read_payload("\n".join(rows[1:]))
    line = timed_line(pieces, start_ms, end_ms, voice)
    if line.text:
        yield line


def _read_payload(payload: str) -> tuple[list[Piece], str | None]:
    """The text between tags, and the first voice."""
    pieces, voice, start_ms, at = [], None, None, 0
    for tag in _TAG.finditer(payload):
        pieces.append(Piece(html.unescape(payload[at : tag.start()]), start_ms))
        at = tag.end()
        if stamp := _STAMP.fullmatch(tag[1]):
            start_ms = _milliseconds(*stamp.groups())
        elif (named := _VOICE.fullmatch(tag[1])) and voice is None:
            voice = html.unescape(named[1])
    pieces.append(Piece(html.unescape(payload[at:]), start_ms))
    return pieces, voice


def _payload(cue: Cue) -> str:
    voice = f"<v {_escaped(cue.line.voice)}>" if cue.line.voice else ""
    if not cue.line.words:
        return voice + _escaped(cue.line.text)
    parts = [voice]
    for word in cue.line.words:
        # A timestamp lies inside its cue. WebVTT, 4.2.2
        if cue.start_ms < word.start_ms < cue.end_ms:
            parts.append(f"<{_stamp(word.start_ms)}>")
        parts.append(_escaped(word.text))
    return "".join(parts)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _stamp(time_ms: int) -> str:
    seconds, milliseconds = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction)

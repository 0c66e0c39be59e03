"""A document of lyrics in any format -> `Lyrics`."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from packager.errors import MalformedMedia
from packager.text import lrc, ttml, webvtt
from packager.text.document import checked, decode
from packager.text.lyrics import MAX_LINES, Line, Lyrics


class TextFormat(StrEnum):
    """The formats that lyrics come in; the values are the usual file suffixes."""

    TTML = "ttml"
    LRC = "lrc"
    WEBVTT = "vtt"
    PLAIN = "txt"


def read(data: bytes, form: TextFormat, *, language: str | None = None) -> Lyrics:
    """Read a document; `language` (of its file name) wins over its own. MalformedMedia."""
    text = decode(data)
    match form:
        case TextFormat.TTML:
            lyrics = ttml.parse(text)
        case TextFormat.LRC:
            lyrics = lrc.parse(text)
        case TextFormat.WEBVTT:
            lyrics = webvtt.parse(text)
        case TextFormat.PLAIN:
            lyrics = _plain(text)
    return replace(lyrics, language=language or lyrics.language)


def read_tag(text: str) -> Lyrics:
    """What a lyrics tag holds: LRC where any line is stamped, else plain text. MalformedMedia."""
    text = checked(text)
    return lrc.parse(text) if lrc.is_lrc(text) else _plain(text)


def _plain(text: str) -> Lyrics:
    rows = [row.strip() for row in text.strip().split("\n")]
    if not any(rows):
        raise MalformedMedia("no words")
    if len(rows) > MAX_LINES:
        raise MalformedMedia(f"more than {MAX_LINES} lines")
    return Lyrics(tuple(Line(row) for row in rows), None, is_synced=False)

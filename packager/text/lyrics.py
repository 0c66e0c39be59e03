"""Lyrics as a value: what every format is read into and what is written from.

Times are whole milliseconds from the start of the track, as all formats here have them at best.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_LINES = 10_000

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n\f\v]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of a line that has a time of its own: a word, or a syllable of one."""

    start_ms: int
    text: str  # with the white space that follows it


@dataclass(frozen=True, slots=True)
class Line:
    """What is shown at once; it may have line breaks in it."""

    text: str
    start_ms: int | None = None  # None: not timed
    end_ms: int | None = None  # None: until the next line starts
    words: tuple[Word, ...] = ()  # strictly later each; empty where only the line is timed
    voice: str | None = None  # who sings it

    def __post_init__(self) -> None:
        if self.words and "".join(word.text for word in self.words) != self.text:
            msg = "the words of a line are its text"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The words of one track in one language, in the order in which they are sung."""

    lines: tuple[Line, ...]
    language: str | None  # BCP 47; None where the document does not say
    is_synced: bool  # whether every line is timed

    def __post_init__(self) -> None:
        if self.is_synced and any(line.start_ms is None for line in self.lines):
            msg = "every line of synced lyrics has a start"
            raise ValueError(msg)

    @property
    def text(self) -> str:
        """The words alone."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line as a document has it, before white space is settled."""

    text: str
    start_ms: int | None = None  # None: together with what precedes it


def timed_line(
    pieces: Iterable[Piece], start_ms: int, end_ms: int | None = None, voice: str | None = None
) -> Line:
    """A line of pieces: white space collapsed, no word earlier than the one before it.

    Pieces that start at the same instant are one word: no format can tell them apart.
    """
    words: list[Word] = []
    latest = start_ms
    for piece in pieces:
        latest = max(latest, piece.start_ms if piece.start_ms is not None else latest)
        text = _SPACE.sub(_collapsed, piece.text)
        bare = text.lstrip(" \n")
        if words and len(bare) < len(text):
            words[-1] = _followed_by(words[-1], text[0])
        if not bare:
            continue
        if words and words[-1].start_ms == latest:
            words[-1] = Word(latest, words[-1].text + bare)
        else:
            words.append(Word(latest, bare))
    if words:
        words[-1] = Word(words[-1].start_ms, words[-1].text.rstrip(" \n"))
    text = "".join(word.text for word in words)
    only_line = len(words) < 2 and all(word.start_ms == start_ms for word in words)
    return Line(text, start_ms, end_ms, () if only_line else tuple(words), _name(voice))


def normalized_language(text: str | None) -> str | None:
    """A BCP 47 tag in its usual case (RFC 5646, 2.1.1), or None for what is none."""
    if text is None or not _LANGUAGE.fullmatch(text):
        return None
    first, *rest = text.split("-")
    cased = [one.upper() if len(one) == 2 else one.lower() for one in rest]
    return "-".join([first.lower(), *(one.title() if len(one) == 4 else one for one in cased)])


def _collapsed(space: re.Match[str]) -> str:
    return "\n" if "\n" in space[0] else " "


def _followed_by(word: Word, space: str) -> Word:
    """The word with one white space after it; a line break is stronger than a blank."""
    bare = word.text.rstrip(" \n")
    is_break = "\n" in {space, word.text[len(bare) :]}
    return Word(word.start_ms, bare + ("\n" if is_break else " "))


def _name(voice: str | None) -> str | None:
    return " ".join((voice or "").split()) or None

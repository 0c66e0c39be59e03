"""Lyrics -> the files of a package and the value that stands for them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from packager.model import ByteSpan, Rendition, Segment, TextKind, TextTrack
from packager.text import segments, webvtt
from packager.text.lyrics import Lyrics

UNDETERMINED = "und"  # RFC 5646, 4.1


@dataclass(frozen=True, slots=True)
class TextFiles:
    """A text track with the bytes of its files."""

    track: TextTrack
    whole: bytes = field(repr=False)
    segments: bytes = field(repr=False)  # the segments end to end; empty for plain text


def make(lyrics: Lyrics, beside: Rendition) -> TextFiles | None:
    """The files for lyrics; synced ones are cut where the segments of `beside` are.

    None where every line would come after the end of the track.
    """
    language = lyrics.language or UNDETERMINED
    if not lyrics.is_synced:
        whole = (lyrics.text + "\n").encode()
        return TextFiles(_track(language, TextKind.PLAIN, whole), whole, b"")
    edges = _edges_ms(beside)
    shown = webvtt.cues(lyrics, edges[-1])
    if not shown:
        return None
    whole = webvtt.write(shown).encode()
    pieces = segments.cut(shown, edges)
    ends = list(accumulate(map(len, pieces)))
    cut = tuple(
        Segment(ByteSpan(end - len(piece), end), edge, after - edge)
        for piece, end, (edge, after) in zip(pieces, ends, pairwise(edges), strict=True)
    )
    return TextFiles(_track(language, TextKind.SYNCED, whole, cut), whole, b"".join(pieces))


def nothing(language: str, beside: Rendition) -> TextTrack:
    """What stands in a release for lyrics that this one of its tracks does not have."""
    empty = segments.EMPTY
    span = ByteSpan(0, len(empty))
    cut = tuple(Segment(span, edge, after - edge) for edge, after in pairwise(_edges_ms(beside)))
    return replace(_track(language, TextKind.SYNCED, empty, cut), is_empty=True)


def _track(language: str, kind: TextKind, whole: bytes, cut: tuple[Segment, ...] = ()) -> TextTrack:
    return TextTrack(language, kind, len(whole), hashlib.sha256(whole).hexdigest(), cut)


def _edges_ms(one: Rendition) -> list[int]:
    """Where segments begin, and where the last one ends: milliseconds, rising."""
    ticks = accumulate((segment.duration for segment in one.segments), initial=0)
    return [round(tick * TextTrack.TIMESCALE / one.timescale) for tick in ticks]

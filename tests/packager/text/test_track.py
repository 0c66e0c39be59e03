from __future__ import annotations

import pytest

from packager.model import Rendition
from packager.text.lyrics import Line, Lyrics
from packager.text.track import make
from tests.packager.conftest import Encode
from tests.packager.packages import write


@pytest.fixture
def rendition(encode: Encode) -> Rendition:
    return write(encode("aac"))[0]


def test_segments_are_cut_where_the_audios_are(rendition: Rendition) -> None:
    made = make(Lyrics((Line("a", 1_000), Line("b", 6_000)), "en", is_synced=True), rendition)
    assert made
    segments = made.track.segments
    assert [one.duration for one in segments] == [
        round((one.start + one.duration) * 1000 / rendition.timescale)
        - round(one.start * 1000 / rendition.timescale)
        for one in rendition.segments
    ]
    for one in segments:
        assert made.segments[one.span.start : one.span.end].startswith(b"WEBVTT\n")
    assert segments[-1].span.end == len(made.segments)
    assert made.track.size == len(made.whole)


def test_plain_text_has_no_segments(rendition: Rendition) -> None:
    made = make(Lyrics((Line("a"), Line("b")), None, is_synced=False), rendition)
    assert made
    assert (made.whole, made.track.segments, made.track.file) == (b"a\nb\n", (), "lyrics-und.txt")


def test_lyrics_of_another_track_are_none(rendition: Rendition) -> None:
    assert make(Lyrics((Line("late", 60_000),), None, is_synced=True), rendition) is None

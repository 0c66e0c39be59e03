from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager.errors import MalformedMedia
from packager.text import segments, webvtt
from packager.text.lyrics import Line, Lyrics, Piece, Word, timed_line
from packager.text.webvtt import Cue

DURATION_MS = 200_000


def synced(*lines: Line) -> Lyrics:
    return Lyrics(lines, None, is_synced=True)


def test_a_line_is_a_cue_with_voice_and_word_times() -> None:
    line = Line(
        "Hello <you>", 12_000, 15_200, (Word(12_000, "Hello "), Word(12_400, "<you>")), "A&B"
    )
    assert webvtt.write(webvtt.cues(synced(line), DURATION_MS)) == (
        "WEBVTT\n\n00:00:12.000 --> 00:00:15.200\n<v A&amp;B>Hello <00:00:12.400>&lt;you&gt;\n\n"
    )


def test_a_line_without_an_end_lasts_until_the_next_and_the_last_until_the_end() -> None:
    lyrics = synced(Line("a", 1_000), Line("b", 1_000), Line("c", 5_000), Line("d", 300_000))
    assert [(cue.start_ms, cue.end_ms) for cue in webvtt.cues(lyrics, DURATION_MS)] == [
        (1_000, 5_000),
        (1_000, 5_000),
        (5_000, DURATION_MS),
    ]


def test_a_word_after_the_end_of_its_cue_gets_no_stamp() -> None:
    line = Line("a b", 1_000, 2_000, (Word(1_000, "a "), Word(2_000, "b")))
    assert "\na b\n" in webvtt.write([Cue(1_000, 2_000, line)])


def test_what_others_write_is_read() -> None:
    text = (
        "WEBVTT - by hand\nKind: captions\n\n"
        "STYLE\n::cue { color: red }\n\nNOTE a comment\nof two lines\n\n"
        "first\n00:01.000 --> 00:02.500 align:start line:0\n"
        "<v.loud Ada Lee><i>Hi</i> &amp; <c.x>bye</c></v>\n\n\n"
        "00:00:03.000 --> 00:00:04.000\n- one\n- two\n\n"
        "00:05.000 --> 00:06.000\n"
    )
    assert webvtt.parse(text).lines == (
        Line("Hi & bye", 1_000, 2_500, (), "Ada Lee"),
        Line("- one\n- two", 3_000, 4_000),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "WEBVTTX\n\n00:01.000 --> 00:02.000\na",
        "WEBVTT",
        "WEBVTT\n\nNOTE nothing",
        "WEBVTT\n\n00:02.000 --> 00:01.000\na",
        "WEBVTT\n\n00:99.000 --> 01:00.000\na",
        "WEBVTT\n\nsoon --> later\na",
    ],
)
def test_damage_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMedia):
        webvtt.parse(text)


def test_a_cue_is_in_every_segment_in_which_it_is_shown() -> None:
    shown = webvtt.cues(synced(Line("a", 0, 4_000), Line("b", 3_999, 8_001)), DURATION_MS)
    first, second, third, last = segments.cut(shown, [0, 4_000, 8_000, 12_000, 16_000])
    assert [one.count(b"-->") for one in (first, second, third, last)] == [2, 1, 1, 0]
    assert last == b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n"


# What a text may hold; white space is settled before.
_CHARACTERS = st.characters(codec="utf-8", categories=["L", "N", "P", "S", "M"])
_WORDS = st.text(_CHARACTERS, min_size=1, max_size=8)


@st.composite
def _lines(draw: st.DrawFn) -> Line:
    start = draw(st.integers(0, DURATION_MS - 1000))
    end = draw(st.integers(start + 1, DURATION_MS))
    pieces = [
        Piece(word + draw(st.sampled_from(["", " ", "\n"])), draw(st.integers(start, end - 1)))
        for word in draw(st.lists(_WORDS, min_size=1, max_size=5))
    ]
    return timed_line(pieces, start, end, draw(st.none() | _WORDS))


def _key(line: Line) -> tuple[int, int]:
    return line.start_ms or 0, line.end_ms or 0


@given(st.lists(_lines(), min_size=1, max_size=8))
def test_what_is_written_is_read_back(lines: list[Line]) -> None:
    lyrics = synced(*sorted(lines, key=_key))
    text = webvtt.write(webvtt.cues(lyrics, DURATION_MS))
    assert webvtt.parse(text) == lyrics


@given(
    st.lists(_lines(), min_size=1, max_size=8), st.sets(st.integers(1, DURATION_MS - 1), max_size=9)
)
def test_segments_hold_every_cue_wherever_they_are_cut(lines: list[Line], cuts: set[int]) -> None:
    lyrics = synced(*sorted(lines, key=_key))
    shown = webvtt.cues(lyrics, DURATION_MS)
    edges = [0, *sorted(cuts), DURATION_MS]
    seen: dict[str, Line] = {}
    for number, data in enumerate(segments.cut(shown, edges)):
        body = data.decode()
        assert body.startswith("WEBVTT\nX-TIMESTAMP-MAP=")
        held = [
            cue for cue in shown if cue.start_ms < edges[number + 1] and cue.end_ms > edges[number]
        ]
        assert body.partition("\n\n")[2] == "".join(cue.text for cue in held)
        seen |= {cue.text: cue.line for cue in held}
    assert set(seen) == {cue.text for cue in shown}

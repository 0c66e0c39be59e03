from __future__ import annotations

import codecs

import pytest

from packager.errors import MalformedMedia
from packager.text import lrc
from packager.text.lyrics import Line, Lyrics, Word
from packager.text.read import TextFormat, read


def lines(text: str) -> tuple[Line, ...]:
    return lrc.parse(text).lines


@pytest.mark.parametrize(
    ("stamp", "start_ms"),
    [
        ("[00:12.34]", 12_340),
        ("[00:12.3]", 12_300),
        ("[00:12.345]", 12_345),
        ("[00:12]", 12_000),
        ("[0:12.00]", 12_000),
        ("[00:12:34]", 12_340),
        ("[100:00.00]", 6_000_000),
    ],
)
def test_stamps_as_players_write_them(stamp: str, start_ms: int) -> None:
    assert lines(f"{stamp}la") == (Line("la", start_ms),)


def test_a_line_that_is_sung_twice_is_two_lines() -> None:
    assert lines("[00:10.00][01:00.00]Chorus\n[00:30.00] Verse ") == (
        Line("Chorus", 10_000),
        Line("Verse", 30_000),
        Line("Chorus", 60_000),
    )


def test_an_empty_stamp_ends_the_line_before_it() -> None:
    assert lines("[00:01.00]one\n[00:02.00]\n[00:05.00]two") == (
        Line("one", 1_000, 2_000),
        Line("two", 5_000),
    )


def test_a_positive_offset_shows_everything_earlier_wherever_it_stands() -> None:
    assert lines("[00:01.00]<00:01.00>a <00:02.00>b\n[offset:+1500]") == (
        Line("a b", 0, None, (Word(0, "a "), Word(500, "b"))),
    )
    assert lines("[offset: -250 ]\n[00:01.00]a") == (Line("a", 1_250),)


def test_id_tags_are_not_lines_and_tell_the_language() -> None:
    lyrics = lrc.parse("[ar:Ada]\n[ti: Low Water]\n[la:pt-br]\n[00:01.00]a\nno stamp: a comment")
    assert lyrics == Lyrics((Line("a", 1_000),), "pt-BR", is_synced=True)


def test_words_have_their_times_and_a_last_stamp_ends_the_line() -> None:
    (line,) = lines("[00:12.00]<00:12.20>Hel<00:12.50>lo <00:13.00> there<00:14.00>")
    assert line.text == "Hello there"
    assert line.words == (Word(12_200, "Hel"), Word(12_500, "lo "), Word(13_000, "there"))
    assert line.end_ms == 14_000


def test_words_of_a_line_that_is_sung_twice_move_with_it() -> None:
    _, second = lines("[00:10.00][00:20.00]<00:10.00>a <00:11.00>b")
    assert second.words == (Word(20_000, "a "), Word(21_000, "b"))


def test_words_that_go_back_in_time_are_one_with_the_word_before() -> None:
    (line,) = lines("[00:10.00]a <00:12.00>b <00:11.00>c <00:09.00>d")
    assert line.words == (Word(10_000, "a "), Word(12_000, "b c d"))


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + "[00:01.00]Größe".encode(),
        codecs.BOM_UTF16_LE + "[00:01.00]Größe\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "[00:01.00]Größe\r".encode("utf-16-be"),
    ],
)
def test_byte_order_marks_and_line_ends(data: bytes) -> None:
    assert read(data, TextFormat.LRC).lines == (Line("Größe", 1_000),)


@pytest.mark.parametrize("text", ["", "just words", "[00:01.00]\n[00:02.00]  ", "[ar:Ada]"])
def test_without_a_timed_word_it_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMedia, match="no line has a time stamp"):
        lrc.parse(text)

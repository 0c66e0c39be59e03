from __future__ import annotations

import codecs

import pytest

from packager.errors import MalformedMedia
from packager.text import ttml
from packager.text.lyrics import Line, Word
from packager.text.read import TextFormat, read

HEAD = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata" '
    'xmlns:itunes="http://music.apple.com/lyric-ttml-internal" {} xml:lang="en">'
)
AGENTS = (
    '<head><metadata><ttm:agent type="person" xml:id="v1"><ttm:name type="full">Ada</ttm:name>'
    '</ttm:agent><ttm:agent type="group" xml:id="v1000"/></metadata></head>'
)


def document(body: str, head: str = "", attributes: str = 'itunes:timing="Word"') -> str:
    return f"{HEAD.format(attributes)}{head}<body><div>{body}</div></body></tt>"


def test_white_space_tells_words_from_syllables() -> None:
    text = document(
        '<p begin="12.0" end="15.2" itunes:key="L1"><span begin="12.0" end="12.4">Hel</span>'
        '<span begin="12.4" end="12.9">lo</span>\n   <span begin="13.0">you</span></p>'
    )
    (line,) = ttml.parse(text).lines
    # Whatever its white space is, a line break of the source is no line break of the lyrics.
    assert line.words == (Word(12_000, "Hel"), Word(12_400, "lo "), Word(13_000, "you"))
    assert (line.start_ms, line.end_ms) == (12_000, 15_200)


def test_voices_are_named_where_there_are_several() -> None:
    body = '<p begin="1" ttm:agent="v1">a</p><p begin="2" ttm:agent="v1000">b</p><p begin="3">c</p>'
    assert [line.voice for line in ttml.parse(document(body, AGENTS)).lines] == [
        "Ada",
        "v1000",
        None,
    ]
    alone = AGENTS.replace('<ttm:agent type="group" xml:id="v1000"/>', "")
    assert {line.voice for line in ttml.parse(document(body, alone)).lines} == {None}


def test_background_is_sung_translations_are_not() -> None:
    body = (
        '<p begin="1" end="4"><span begin="1">Go</span> <span ttm:role="x-bg">'
        '<span begin="2">(oh)</span></span><span ttm:role="x-translation">Geh</span>'
        '<span ttm:role="x-roman">go</span></p>'
    )
    (line,) = ttml.parse(document(body)).lines
    assert line.words == (Word(1_000, "Go "), Word(2_000, "(oh)"))


def test_a_break_is_a_line_break() -> None:
    (line,) = ttml.parse(document('<p begin="1">one <br/> two</p>')).lines
    assert line == Line("one\ntwo", 1_000)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("12.4", 12_400),
        ("12.4s", 12_400),
        ("750ms", 750),
        ("2m", 120_000),
        ("1:02.300", 62_300),
        ("00:01:02.300", 62_300),
        ("1:00:00", 3_600_000),
    ],
)
def test_times(time: str, expected: int) -> None:
    (line,) = ttml.parse(document(f'<p begin="{time}">a</p>')).lines
    assert line.start_ms == expected


def test_apple_counts_from_the_start_and_the_w3c_from_the_parent() -> None:
    body = '<div begin="10s"><p begin="1s" dur="2s"><span begin="1s">a</span></p></div>'
    (apple,) = ttml.parse(document(body)).lines
    (other,) = ttml.parse(document(body, attributes="")).lines
    assert (apple.start_ms, apple.end_ms, apple.words) == (1_000, 3_000, ())
    assert (other.start_ms, other.end_ms) == (11_000, 13_000)
    assert other.words == (Word(12_000, "a"),)


def test_without_times_it_is_plain() -> None:
    for attributes in ('itunes:timing="None"', ""):
        lyrics = ttml.parse(document("<p>one</p><p>two</p>", attributes=attributes))
        assert (lyrics.is_synced, lyrics.text, lyrics.language) == (False, "one\ntwo", "en")


def test_the_declared_coding_does_not_matter_the_bytes_do() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?>' + document('<p begin="1">é</p>')
    for data in (text.encode(), codecs.BOM_UTF16_LE + text.encode("utf-16-le")):
        assert read(data, TextFormat.TTML).text == "é"


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB + document("<p>&c;</p>"), "a DTD"),
        ('<!DOCTYPE tt SYSTEM "file:///etc/passwd">' + document("<p>a</p>"), "a DTD"),
        (document("<p>&c;</p>"), "not XML"),
        (document("<p>a</p>")[:-5], "not XML"),
        ("<a>" * 1000, "not XML"),
        ("", "not XML"),
        ("<tt/>", "not a TTML"),
        (document(""), "no line has words"),
        (document('<p begin="12:fish">a</p>'), "is no time"),
        (document('<p begin="00:00:01:12">a</p>'), "is no time"),
    ],
)
def test_anything_else_is_malformed(text: str, problem: str) -> None:
    with pytest.raises(MalformedMedia, match=problem):
        ttml.parse(text)

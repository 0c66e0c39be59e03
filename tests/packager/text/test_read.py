"""Every format together: plain text, languages, and that damage is one class of error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager.errors import MalformedMedia
from packager.text.document import MAX_BYTES
from packager.text.lyrics import MAX_LINES, Line, Word, normalized_language
from packager.text.read import TextFormat, read, read_tag

WHOLE = {
    TextFormat.LRC: b"[la:en]\n[00:01.00][00:05.00]<00:01.00>Hel<00:01.50>lo\n[00:03.00]\n",
    TextFormat.TTML: (
        b'<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div begin="1s">'
        b'<p begin="0s" end="2s"><span begin="0s">Hel</span><span begin="1s">lo</span><br/></p>'
        b"</div></body></tt>"
    ),
    TextFormat.WEBVTT: b"WEBVTT\n\n1\n00:01.000 --> 00:02.000\n<v Ada>Hel<00:01.500>lo &amp;\n",
    TextFormat.PLAIN: "Hällo\n\nyou\n".encode(),
}


def test_plain_text_keeps_its_stanzas() -> None:
    lyrics = read(b"\n one \r\n\r\ntwo\r\n\r\n", TextFormat.PLAIN)
    assert (lyrics.lines, lyrics.is_synced) == ((Line("one"), Line(""), Line("two")), False)
    assert lyrics.text == "one\n\ntwo"


def test_a_tag_may_hold_lrc() -> None:
    assert read_tag("[00:01.00]one\n[00:02.00]two").is_synced
    assert not read_tag("[Chorus]\none").is_synced


def test_the_file_names_language_wins() -> None:
    assert read(WHOLE[TextFormat.LRC], TextFormat.LRC).language == "en"
    assert read(WHOLE[TextFormat.LRC], TextFormat.LRC, language="de").language == "de"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("EN", "en"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("de-1996", "de-1996"),
        ("live", None),
        ("e", None),
        ("en_US", None),
        (None, None),
    ],
)
def test_language_tags(text: str | None, tag: str | None) -> None:
    assert normalized_language(text) == tag


@pytest.mark.parametrize(
    "data",
    [
        b"a\0b",
        b"\xff\xfea",
        b"caf\xe9",
        b"\xff\xfe\x00\xd8",
        b"a" * (MAX_BYTES + 1),
        b"a\n" * (MAX_LINES + 1),
        b" \n ",
    ],
)
def test_what_is_no_text_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMedia):
        read(data, TextFormat.PLAIN)


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (TextFormat.LRC, "[00:01.00]a\n"),
        (TextFormat.WEBVTT, "00:01.000 --> 00:02.000\na\n\n"),
        (TextFormat.TTML, "<p>a</p>"),
    ],
)
def test_lines_are_bounded(form: TextFormat, row: str) -> None:
    rows = row * (MAX_LINES + 1)
    around = {TextFormat.LRC: "{}", TextFormat.WEBVTT: "WEBVTT\n\n{}"}
    ttml = '<tt xmlns="http://www.w3.org/ns/ttml"><body>{}</body></tt>'
    with pytest.raises(MalformedMedia, match="more than"):
        read(around.get(form, ttml).format(rows).encode(), form)


def test_a_line_is_its_words() -> None:
    with pytest.raises(ValueError, match="words of a line"):
        Line("ab", 0, None, (Word(0, "a"),))


@given(st.sampled_from(TextFormat), st.data())
def test_damage_is_malformed_or_harmless(form: TextFormat, data: st.DataObject) -> None:
    source = bytearray(WHOLE[form])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(source) - 1))
        change = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if change == "flip":
            source[at] ^= 1 << data.draw(st.integers(0, 7))
        elif change == "cut":
            del source[at : at + data.draw(st.integers(1, 20))]
        else:
            source[at:at] = data.draw(st.binary(max_size=6))
        source = source or bytearray(b" ")
    with contextlib.suppress(MalformedMedia):
        lyrics = read(bytes(source), form)
        assert any(line.text for line in lyrics.lines)


@given(st.sampled_from(TextFormat), st.text(max_size=200))
def test_any_text_is_malformed_or_harmless(form: TextFormat, text: str) -> None:
    with contextlib.suppress(MalformedMedia):
        read(text.encode("utf-8", "surrogatepass"), form)
    with contextlib.suppress(MalformedMedia):
        read_tag(text)

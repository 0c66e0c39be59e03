from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from packager.text.document import MAX_BYTES
from pipeline.lyrics import find_lyrics

LRC = "[00:01.00]one\n[00:02.00]two\n"
TTML = (
    '<tt xmlns="http://www.w3.org/ns/ttml"{}><body><div><p begin="1s">words</p></div></body></tt>'
)


@pytest.fixture
def master(tmp_path: Path) -> Path:
    path = tmp_path / "song.flac"
    path.touch()
    return path


def test_sidecars_in_several_languages_the_best_of_each(master: Path) -> None:
    for name, text in {
        "song.lrc": LRC,
        "song.txt": "plain",
        "song.EN.LRC": LRC,
        "song.en.ttml": TTML.format(""),
        "song.flac.pt-br.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\num\n",
        "song.live.lrc": LRC,
        "song2.lrc": LRC,
        "song.lrc.bak": LRC,
    }.items():
        master.with_name(name).write_text(text)
    found, problems = find_lyrics(master)
    assert [(one.lyrics.language, one.lyrics.text) for one in found] == [
        (None, "one\ntwo"),
        ("en", "words"),
        ("pt-BR", "um"),
    ]
    assert problems == ()
    assert found[0].sha256 == hashlib.sha256(LRC.encode()).hexdigest()


def test_the_document_says_its_language_where_its_name_does_not(master: Path) -> None:
    master.with_name("song.ttml").write_text(TTML.format(' xml:lang="de"'))
    (found,), _ = find_lyrics(master)
    assert found.lyrics.language == "de"


def test_a_tag_is_taken_where_nothing_lies_beside(master: Path) -> None:
    (plain,), _ = find_lyrics(master, "la\nla")
    assert (plain.lyrics.is_synced, plain.lyrics.text) == (False, "la\nla")
    (synced,), _ = find_lyrics(master, LRC)
    assert synced.lyrics.is_synced
    master.with_name("song.txt").write_text("beside")
    (beside,), _ = find_lyrics(master, LRC)
    assert beside.lyrics.text == "beside"


def test_bad_lyrics_are_a_warning_and_the_next_best_is_taken(master: Path) -> None:
    master.with_name("song.ttml").write_text('<!DOCTYPE tt><tt xmlns="http://www.w3.org/ns/ttml"/>')
    master.with_name("song.lrc").write_text("no stamps")
    master.with_name("song.vtt").write_bytes(b"a" * (MAX_BYTES + 9))
    os.mkfifo(master.with_name("song.de.txt"))
    master.with_name("song.txt").write_text("plain")
    (found,), problems = find_lyrics(master)
    assert found.lyrics.text == "plain"
    assert problems == (
        "the lyrics song.ttml are left out: a DTD, which no lyrics need",
        "the lyrics song.lrc are left out: no line has a time stamp and words",
        f"the lyrics song.vtt are left out: {MAX_BYTES + 1} bytes of text, {MAX_BYTES} are allowed",
        "the lyrics song.de.txt are left out: not a regular file",
    )
    assert find_lyrics(master.with_name("other.flac"), "a\0b")[1] == (
        "the lyrics in its tags are left out: the control character U+0000 in text",
    )


def test_no_lyrics_are_no_problem(tmp_path: Path) -> None:
    assert find_lyrics(tmp_path / "none" / "song.flac") == ((), ())

"""The layout of the storage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage.base import InvalidKey, check_key
from storage.naming import (
    cover_object,
    master_object,
    split_track_key,
    track_object,
    track_prefix,
)

TRACK = "t" + "a2" * 10
REVISION = "0123456789abcdef"
HASH = "f" * 64


def test_the_layout() -> None:
    assert track_prefix(TRACK, REVISION) == f"tracks/{TRACK}/{REVISION}/"
    for file in (
        *("aac-128k.mp4", "flac.m3u8", "manifest.mpd", "multivariant.m3u8", "package.json"),
        *("lyrics-zh-hant.vtt", "covers.json", "download-free_2.mp3"),
    ):
        key = track_object(TRACK, REVISION, file)
        assert key == f"tracks/{TRACK}/{REVISION}/{file}"
        assert check_key(key) == key
    assert cover_object(HASH, "jpg") == f"covers/{HASH}.jpg"
    assert master_object(HASH, "flac") == f"masters/{HASH}.flac"


def test_a_key_comes_apart_as_it_was_made() -> None:
    key = track_object(TRACK, REVISION, "flac.mp4")
    assert split_track_key(key) == (TRACK, REVISION, "flac.mp4")
    for other in (f"covers/{HASH}.jpg", f"tracks/{TRACK}/flac.mp4", f"tracks/x/{REVISION}/a.mp4"):
        assert split_track_key(other) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: master_object(HASH, "mp3"),
        lambda: master_object("../x", "wav"),
        lambda: track_prefix("..", REVISION),
        lambda: track_prefix(TRACK + "\n", REVISION),
        lambda: track_prefix("r" + TRACK[1:], REVISION),
        lambda: track_prefix(TRACK, REVISION.upper()),
        lambda: track_prefix(TRACK, REVISION + "0"),
        lambda: track_object(TRACK, REVISION, "../a.mp4"),
        lambda: track_object(TRACK, REVISION, "a--b.mp4"),
        lambda: track_object(TRACK, REVISION, "a_b.mp4"),
        lambda: track_object(TRACK, REVISION, "a"),
        lambda: track_object(TRACK, REVISION, ""),
        lambda: cover_object("F" * 64, "jpg"),
        lambda: cover_object(HASH, "gif"),
        lambda: cover_object(HASH, "jpg/.."),
    ],
)
def test_a_piece_that_cannot_be_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(InvalidKey):
        make()

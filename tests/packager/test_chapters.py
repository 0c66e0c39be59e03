"""A release's chapters, as Apple's players read them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from packager import chapters
from packager.model import Package, Picture
from packager.release import in_common
from tests.packager import releases
from tests.packager.conftest import Encode


@pytest.fixture
def tracks(encode: Encode) -> tuple[Package, ...]:
    first, *others = in_common(releases.make(encode))
    covers = (Picture(96, 96, 10, "0" * 64), Picture(640, 480, 20, "1" * 64))
    return (replace(first, pictures=covers, artist=""), *others)


def test_every_track_is_a_chapter_of_its_length(tracks: tuple[Package, ...]) -> None:
    found = json.loads(chapters.document(tracks, lambda one: f"../{one.track_id}/"))

    assert [one["chapter"] for one in found] == [1, 2, 3]
    assert [one["titles"] for one in found] == [
        [{"language": "und", "title": f"Song {number}"}] for number in (1, 2, 3)
    ]
    assert found[0]["start-time"] == 0
    for one, following in pairwise(found):
        assert one["start-time"] + one["duration"] == pytest.approx(following["start-time"])
    assert [one["duration"] for one in found] == pytest.approx(releases.LENGTHS_S, abs=1e-3)


def test_artist_and_covers_are_told_where_there_are_any(tracks: tuple[Package, ...]) -> None:
    first, second, _ = json.loads(chapters.document(tracks, lambda one: f"../{one.track_id}/"))

    assert "metadata" not in first
    assert second["metadata"] == [{"key": "artist", "value": "A < B", "language": "und"}]
    assert "images" not in second
    assert [(one["pixel-width"], one["pixel-height"], one["url"]) for one in first["images"]] == [
        (96, 96, f"../{tracks[0].track_id}/cover-96x96.jpg"),
        (640, 480, f"../{tracks[0].track_id}/cover-640x480.jpg"),
    ]


def test_the_same_release_gives_the_same_bytes(tracks: tuple[Package, ...]) -> None:
    one, other = (chapters.document(tracks, lambda _: "") for _ in range(2))
    assert one == other

"""Gating over all tracks of a release. The numbers are those of EBU Tech 3341 and 3342."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.album_loudness import (
    AlbumLoudness,
    Histogram,
    LoudnessBlocks,
    TrackLoudness,
    album_loudness,
    integrated_lufs,
    range_lu,
)

values = st.lists(st.floats(-69.9, 5), max_size=60)


def steps(*parts: tuple[float, int]) -> Histogram:
    """Seconds of steady loudness, ten blocks each."""
    return Histogram.of(level for level, seconds in parts for _ in range(seconds * 10))


def track(*parts: tuple[float, int], peak: float | None = None) -> TrackLoudness:
    return TrackLoudness(LoudnessBlocks(steps(*parts), steps(*parts)), peak)


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23.0),  # Tech 3341, case 1
        ([(-33, 20)], -33.0),  # case 2
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),  # case 3: the relative gate
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),  # case 4: both gates
        ([(-26, 20), (-20, 20), (-26, 20)], -23.0),  # case 5, nearly: its middle lasts 20.1 s
    ],
)
def test_integrated_loudness(parts: list[tuple[float, int]], lufs: float) -> None:
    assert integrated_lufs(steps(*parts)) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "lu"),
    [
        ([(-20, 20), (-30, 20)], 10.0),  # Tech 3342, case 1
        ([(-20, 20), (-15, 20)], 5.0),  # case 2
        ([(-40, 20), (-20, 20)], 20.0),  # case 3
        ([(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)], 15.0),  # case 4
    ],
)
def test_range(parts: list[tuple[float, int]], lu: float) -> None:
    assert range_lu(steps(*parts)) == pytest.approx(lu, abs=0.1)


def test_an_album_is_gated_as_a_whole_and_no_mean_of_its_tracks() -> None:
    """The quiet track is below the album's gate, so it does not count."""
    loud, quiet = track((-10, 100), peak=-0.3), track((-40, 100), peak=-25.0)

    assert album_loudness([loud, quiet]) == AlbumLoudness(-10.0, 0.0, -0.3)


def test_long_tracks_weigh_more() -> None:
    album = album_loudness([track((-10, 300)), track((-16, 100))])

    assert album.integrated_lufs == pytest.approx(-10.9, abs=0.05)
    assert album.loudness_range_lu == 6.0


def test_silence_has_no_loudness_and_adds_none() -> None:
    silence = track((-120.7, 60), peak=None)

    assert album_loudness([silence]) == AlbumLoudness(None, None, None)
    assert album_loudness([]) == AlbumLoudness(None, None, None)
    assert album_loudness([silence, track((-14, 10))]).integrated_lufs == -14.0


def test_what_is_no_number_is_left_out() -> None:
    assert Histogram.of([float("-inf"), float("nan"), -70.0, -69.9]) == Histogram(-699, (1,))


def test_blocks_are_off_by_a_twentieth_of_a_lu_at_most() -> None:
    for hundredths in range(-2300, -2280):
        assert Histogram.of([hundredths / 100] * 3).mean_lufs == pytest.approx(
            hundredths / 100, abs=0.0501
        )


@given(values, values)
def test_the_sum_has_the_blocks_of_both(one: list[float], other: list[float]) -> None:
    assert Histogram.sum([Histogram.of(one), Histogram.of(other)]) == Histogram.of(one + other)


@given(values, values)
def test_blocks_survive_json(momentary: list[float], short_term: list[float]) -> None:
    blocks = LoudnessBlocks(Histogram.of(momentary), Histogram.of(short_term))

    assert LoudnessBlocks.read(json.loads(json.dumps(asdict(blocks)))) == blocks


@given(values.filter(bool))
def test_percentiles_lie_inside_and_rise(levels: list[float]) -> None:
    histogram = Histogram.of(levels)
    found = [histogram.percentile_lufs(part / 10) for part in range(11)]

    assert found == sorted(found)
    assert min(levels) - 0.051 <= found[0]
    assert found[-1] == pytest.approx(max(levels), abs=0.051)

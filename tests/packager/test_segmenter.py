from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec, CodecConfig, EncodedTrack, SampleTable, Trim
from packager.segmenter import MAX_SEGMENTS, cut, frame_durations, segment_ticks


def track(
    samples: int, *, delay: int = 0, frame: int = 1024, rate: int = 44100, depth: int | None = None
) -> EncodedTrack:
    frames = -(-(delay + samples) // frame)
    durations = array("I", [frame]) * frames
    if depth:
        durations[-1] = delay + samples - (frames - 1) * frame
    config = CodecConfig(Codec.AAC, "mp4a.40.2", "mp4a", b"", rate, rate, 2, depth, frame)
    table = SampleTable(array("I", [1]) * frames, durations, array("Q", range(frames)))
    return EncodedTrack(config, table, Trim(delay, samples, frames * frame - delay - samples))


def cuts(one: EncodedTrack, seconds: float = 4) -> tuple[tuple[int, int, int], ...]:
    found = cut(one, frame_durations(one), Fraction(seconds))
    return tuple((part.first, part.start, part.presented) for part in found)


@given(
    st.integers(1, 20 * 44100),
    st.integers(0, 2112),
    st.sampled_from([960, 1024, 2048, 4096]),
    st.sampled_from([1, 2, 4, 6.5, 10]),
    st.booleans(),
)
def test_segments_fill_the_presentation_exactly(
    samples: int,
    delay: int,
    frame: int,
    seconds: float,
    lossless: bool,  # noqa: FBT001
) -> None:
    one = track(samples, delay=delay, frame=frame, depth=16 if lossless else None)
    if delay >= segment_ticks(one.config, Fraction(seconds)):
        return
    durations = frame_durations(one)

    found = cut(one, durations, Fraction(seconds))

    assert sum(durations) == delay + samples
    assert found[0].start == 0
    assert found[-1].end == len(one.table)
    for before, after in pairwise(found):
        assert before.end == after.first
        assert before.start + before.presented == after.start
    assert sum(part.presented for part in found) == samples


def test_aac_segments_of_four_seconds_are_172_frames() -> None:
    assert cuts(track(441000, delay=1024)) == (
        (0, 0, 172 * 1024 - 1024),
        (172, 172 * 1024 - 1024, 172 * 1024),
        (344, 344 * 1024 - 1024, 441000 - (344 * 1024 - 1024)),
    )


def test_all_bit_rates_share_one_grid_whatever_their_end() -> None:
    long, longer = cuts(track(441000, delay=1024)), cuts(track(500000, delay=1024))

    assert [first for first, _, _ in long] == [first for first, _, _ in longer][: len(long)]


def test_aac_and_flac_of_one_rate_meet_at_every_boundary() -> None:
    for rate in (44100, 48000):
        aac = segment_ticks(track(rate, rate=rate).config, Fraction(4))
        flac = segment_ticks(track(rate, rate=rate, frame=4096, depth=16).config, Fraction(4))
        assert aac == flac


@pytest.mark.parametrize(
    ("tail_s", "segments"),
    [(0.4, 2), (0.6, 3)],  # shaka-packager#1496: a tail of nothing
)
def test_a_tail_under_half_a_second_is_merged(tail_s: float, segments: int) -> None:
    samples = 2 * 172 * 1024 + int(tail_s * 44100)

    assert len(cuts(track(samples))) == segments


def test_a_short_track_is_one_segment() -> None:
    assert cuts(track(1000)) == ((0, 0, 1000),)


def test_frames_past_the_end_are_left_out() -> None:
    one = track(10240)
    longer = EncodedTrack(one.config, track(20480).table, one.trim)

    assert len(frame_durations(longer)) == 10


def test_too_few_frames_are_refused() -> None:
    one = EncodedTrack(track(20480).config, track(10240).table, Trim(0, 20480, 0))

    with pytest.raises(MalformedMedia, match="10 frames are too few for 20480 ticks"):
        frame_durations(one)


def test_lossless_frames_must_add_up() -> None:
    one = track(10000, depth=16)

    with pytest.raises(MalformedMedia, match="frames of 10000 ticks for 9000"):
        frame_durations(EncodedTrack(one.config, one.table, Trim(0, 9000, 0)))


def test_more_segments_than_an_index_holds_are_refused() -> None:
    """shaka-packager#862: the count of a sidx wrapped around."""
    one = track((MAX_SEGMENTS + 2) * 44032, frame=44032)

    with pytest.raises(UnsupportedMedia, match="an index holds 65535"):
        cuts(one, 1)


def test_a_first_segment_of_priming_only_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="nothing but priming"):
        cuts(track(441000, delay=50000), 1)

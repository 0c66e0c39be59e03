"""AC-3 and E-AC-3 streams: what makes a sample, and what `dec3` has to say of it."""

from __future__ import annotations

import io

import pytest

from packager.boxes.base import Box, parse
from packager.boxes.dolby import Ac3SpecificBox, Ec3SpecificBox, IndependentSubstream
from packager.demux import demux
from packager.demux.syncframe import SyncFrame
from packager.demux.syncframe import parse as parse_frame
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack
from tests.packager.demux.conftest import Stream
from tests.support.streams import bits, ec3_frame

LRS_RRS = 0x0200  # a custom channel map, table E.1.4


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


def _box(track: EncodedTrack) -> Box:
    return parse(track.config.config_box)[0]


@pytest.mark.parametrize("name", ["5.1.ac3", "5.1.eac3"])
def test_a_stream_is_described_as_ffmpeg_describes_it(stream: Stream, name: str) -> None:
    ours, theirs = (_demux(stream(one).read_bytes()) for one in (name, f"{name}.mp4"))

    assert _box(ours) == _box(theirs)
    assert list(ours.table.sizes) == list(theirs.table.sizes)


def test_ac3_at_44100_hz_has_frames_of_two_sizes(stream: Stream) -> None:
    track = _demux(stream("stereo.ac3").read_bytes())

    assert set(track.table.sizes) == {834, 836}
    assert _box(track) == Ac3SpecificBox(1, 8, 0, 2, 0, 10)


def test_seven_point_one_atmos_is_one_sample_of_two_substreams() -> None:
    unit = ec3_frame(complexity=16) + ec3_frame(
        stream_type=1, acmod=2, lfeon=0, channel_map=LRS_RRS
    )

    track = _demux(unit * 3)

    assert list(track.table.sizes) == [128] * 3
    assert (track.config.channels, track.config.channel_configuration) == (8, 12)
    assert track.config.joc_complexity == 16
    main = IndependentSubstream(0, 16, 0, 7, 1, num_dep_sub=1, chan_loc=2)
    assert _box(track) == Ec3SpecificBox(32, (main,), 16)


@pytest.mark.parametrize(("code", "frames"), [(0, 6), (1, 3), (2, 2), (3, 1)])
def test_a_sample_is_six_blocks(code: int, frames: int) -> None:
    track = _demux(ec3_frame(blocks_code=code) * frames * 4)

    assert list(track.table.sizes) == [64 * frames] * 4
    assert track.trim.samples == 4 * 1536
    with pytest.raises(MalformedMedia, match="a sample of 1 blocks, not 6"):
        _demux(ec3_frame(blocks_code=0) * 7)


def test_two_programs_are_both_described() -> None:
    unit = ec3_frame() + ec3_frame(substream=1, acmod=1, lfeon=0)

    box = _box(_demux(unit * 2))

    assert isinstance(box, Ec3SpecificBox)
    assert [(one.acmod, one.lfeon) for one in box.substreams] == [(7, 1), (1, 0)]


@pytest.mark.parametrize(
    "fields",
    [
        # acmod 7, lfe, with all mixing metadata: mixdef 3 of 2 bytes, every block's
        (
            *((7, 3), (1, 1), (16, 5), (27, 5), (1, 1), (0x55, 8)),
            *((1, 1), (1, 2), (0, 6), (0, 6), (1, 1), (9, 5), (1, 1), (5, 6), (1, 1), (6, 6)),
            *((3, 2), (0, 5), (0xFFFF, 16), (1, 1), *[(1, 1), (3, 5)] * 6),
            *((1, 1), (5, 3), (0, 2), (2, 2), (1, 1), (0, 8), (1, 1)),
        ),
        # dual mono with everything twice, mixdef 1
        (
            *((0, 3), (0, 1), (16, 5), *[(27, 5), (1, 1), (0x55, 8)] * 2),
            *((1, 1), *[(1, 1), (5, 6)] * 3, (1, 2), (0x1F, 5), *[(1, 1), (0, 14)] * 2, (0, 1)),
            *((1, 1), (5, 3), (0, 2), *[(1, 1), (0, 8)] * 2, (0, 1)),
        ),
        # stereo, mixdef 2
        (
            *((2, 3), (0, 1), (16, 5), (27, 5), (0, 1)),
            *((1, 1), (0, 1), (0, 1), (2, 2), (0xFFF, 12), (0, 1)),
            *((1, 1), (5, 3), (0, 2), (0, 4), (0, 1), (1, 1)),
        ),
    ],
)
def test_metadata_is_passed_over_to_the_mark_of_joint_objects(
    fields: tuple[tuple[int, int], ...],
) -> None:
    """E.1.2.2: everything that may stand between the header and addbsi."""
    head = ((0x0B77, 16), (0, 2), (0, 3), (63, 11), (0, 2), (3, 2))
    data = bits(*head, *fields, (1, 1), (1, 6), (1, 8), (14, 8))

    frame = parse_frame(data + bytes(128 - len(data)), 0)

    assert (frame.bsmod, frame.complexity_index) == (5, 14)


def test_a_converted_stream_and_other_additions() -> None:
    head = ((0x0B77, 16), (2, 2), (0, 3), (63, 11), (0, 2), (3, 2), (2, 3), (0, 1), (16, 5))
    data = bits(*head, (27, 5), (0, 1), (0, 1), (0, 1), (9, 6), (1, 1), (0, 6), (1, 8))

    frame: SyncFrame = parse_frame(data + bytes(128 - len(data)), 0)

    assert (frame.stream_type, frame.complexity_index) == (2, None)


def test_what_cannot_be_packaged(stream: Stream) -> None:
    half_rate = bits((0x0B77, 16), (0, 2), (0, 3), (31, 11), (3, 2), (0, 2)) + b"\x80" + bytes(57)
    ac3 = stream("5.1.ac3").read_bytes()
    for data, error, problem in (
        (half_rate, UnsupportedMedia, "half a sampling rate"),
        (ac3[:5] + b"\x50" + ac3[6:], UnsupportedMedia, "bit stream version 10"),
        (ec3_frame() + ec3_frame(acmod=2), UnsupportedMedia, "changes on the way"),
        (ec3_frame() + ac3, UnsupportedMedia, "changes on the way"),
        (ec3_frame() + b"junkjunk", MalformedMedia, "no frame begins here"),
        (ec3_frame(stream_type=3), MalformedMedia, "type or size is reserved"),
        (ac3[:4] + b"\xff" + ac3[5:], MalformedMedia, "rate or size is reserved"),
        (ec3_frame(stream_type=1), MalformedMedia, "a sample of 0 blocks"),
    ):
        with pytest.raises(error, match=problem):
            _demux(data)

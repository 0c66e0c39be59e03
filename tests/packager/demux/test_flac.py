"""FLAC frames, fixed and variable, among bytes that look like other frames."""

from __future__ import annotations

import io
import random
from fractions import Fraction
from itertools import pairwise

import pytest

from packager.bytestream import ByteReader
from packager.codecs import flac as coding
from packager.demux import demux
from packager.demux.crc import crc8, divides_crc16
from packager.errors import MalformedMedia
from packager.model import EncodedTrack
from packager.segmenter import cut, frame_durations
from tests.packager.demux.conftest import Stream
from tests.support.streams import crc, flac_file

RANDOM = random.Random(9639)


def noise(count: int) -> list[int]:
    return [RANDOM.randint(-(1 << 15), (1 << 15) - 1) for _ in range(count)]


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


@pytest.mark.parametrize("size", [0, 1, 2, 15, 31, 100, 4097])
def test_the_checksums_are_the_specifications(size: int) -> None:
    data = RANDOM.randbytes(size)
    whole = data + crc(data, 0x8005, 16).to_bytes(2, "big")

    assert crc8(data) == crc(data, 0x07, 8)
    assert divides_crc16(whole)
    for _ in range(20):
        damaged = bytearray(whole)
        damaged[RANDOM.randrange(len(whole))] ^= 1 << RANDOM.randrange(8)
        assert not divides_crc16(bytes(damaged))


def test_blocks_of_varying_size_are_found_with_their_durations() -> None:
    sizes = [RANDOM.choice((192, 1152, 4096, 16, 4608)) for _ in range(60)] + [17]
    track = _demux(flac_file([noise(size) for size in sizes], variable=True))

    assert list(track.table.durations) == sizes
    assert track.config.frame_ticks == 4608
    assert track.trim.samples == sum(sizes)


def test_segments_of_varying_blocks_begin_near_their_times() -> None:
    sizes = [RANDOM.choice((1152, 4096, 4608)) for _ in range(120)]
    track = _demux(flac_file([noise(size) for size in sizes], variable=True))

    cuts = cut(track, frame_durations(track), Fraction(2))

    assert len(cuts) > 2
    assert sum(one.presented for one in cuts) == sum(sizes)
    for before, after in pairwise(cuts):
        assert before.start + before.presented == after.start
        assert abs(after.start % 87552 - 87552 * (after.start % 87552 > 40000)) < 4608


def test_a_frame_inside_a_frame_is_not_taken_for_the_next() -> None:
    """A verbatim subframe may hold anything: here the very header that has to follow."""
    plain = flac_file([noise(64) for _ in range(4)], variable=False)
    frames = [one.start for one in _spans(plain)]
    decoy = plain[frames[2] : frames[2] + 9]
    values = noise(64)
    for at in range(0, 8, 2):
        values[at // 2 + 20] = int.from_bytes(decoy[at : at + 2], "big", signed=True)
    values[24] = int.from_bytes(decoy[8:9] + b"\x02", "big", signed=True)
    data = flac_file([noise(64), values, noise(64), noise(64)], variable=False)
    assert data.count(decoy) == 2

    assert len(_demux(data).table) == 4


def test_a_block_full_of_sync_codes_is_read() -> None:
    quiet = [[-8] * 4096, [-7, -8] * 2048, [-8] * 100]  # 0xfff8, 0xfff9

    for variable in (False, True):
        assert len(_demux(flac_file(quiet, variable=variable)).table) == 3


def _spans(data: bytes) -> list[range]:
    table = _demux(data).table
    return [
        range(start, start + size) for start, size in zip(table.offsets, table.sizes, strict=True)
    ]


@pytest.mark.parametrize(
    ("total", "problem"), [(0, ""), (300, "256 of 300 samples"), (200, "256 of 200 samples")]
)
def test_the_announced_length_must_be_right_if_there_is_one(total: int, problem: str) -> None:
    data = flac_file([noise(64) for _ in range(4)], variable=False, total=total)

    if not problem:
        assert _demux(data).trim.samples == 256
        return
    with pytest.raises(MalformedMedia, match=problem):
        _demux(data)


def test_a_flipped_bit_anywhere_in_the_audio_is_noticed() -> None:
    data = flac_file([noise(64) for _ in range(4)], variable=False)
    first = _spans(data)[0].start
    for _ in range(50):
        damaged = bytearray(data)
        damaged[RANDOM.randrange(first, len(data))] ^= 1 << RANDOM.randrange(8)
        with pytest.raises(MalformedMedia):
            _demux(bytes(damaged))


def test_tags_before_and_after_are_passed_over(stream: Stream) -> None:
    data = stream("stereo.flac").read_bytes()
    tagged = b"ID3\4\0\0\0\0\1\0" + bytes(128) + data + b"TAG" + bytes(125)

    plain, track = _demux(data), _demux(tagged)

    assert track.trim == plain.trim
    assert [start - 138 for start in track.table.offsets] == list(plain.table.offsets)


def test_a_smallest_block_under_16_is_corrected() -> None:
    """Core Audio refuses the whole track otherwise (AetherEngine#221)."""
    data = bytearray(flac_file([noise(64), noise(64)], variable=False))
    data[8:10] = (8).to_bytes(2, "big")

    config = _demux(bytes(data)).config

    info = coding.parse(ByteReader(config.config_box[16:]).rest())
    assert (info.min_block, info.max_block) == (16, 64)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"fLaC\x84\0\0\x04" + bytes(8), "does not begin with STREAMINFO"),
        (b"fLaC\x00\0\0\x22" + bytes(34), "ends inside its metadata"),
        (flac_file([[0] * 16], variable=False)[:42] + bytes(20), "no frame begins here"),
        (b"fLaC\x80\0\0\x03" + bytes(20), "is 3 bytes long, not 34"),
    ],
)
def test_broken_beginnings(data: bytes, problem: str) -> None:
    with pytest.raises(MalformedMedia, match=problem):
        _demux(data)

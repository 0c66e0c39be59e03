"""Opus in Ogg: packets over page borders, and the two ends of the music."""

from __future__ import annotations

import io
from itertools import accumulate

import pytest

from packager.codecs.opus import packet_samples
from packager.demux import demux
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack, Trim
from tests.packager.demux.conftest import Stream
from tests.support.streams import ogg_file, ogg_packets

SKIP = 312


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


def _granules(packets: list[bytes], *, start: int = 0, end_trim: int = 0) -> list[int]:
    ends = [start + end for end in accumulate(packet_samples(one) for one in packets[2:])]
    ends[-1] -= end_trim
    return [0, 0, *ends]


def _frames(data: bytes, track: EncodedTrack) -> list[bytes]:
    table = track.table
    found = []
    for number in range(len(table)):
        start = table.offsets[number]
        spans = table.pieces.get(number)
        pieces = [data[one.start : one.end] for one in spans] if spans else []
        found.append(b"".join(pieces) or data[start : start + table.sizes[number]])
    return found


@pytest.mark.parametrize("segments", [1, 2, 3, 7, 255])
def test_packets_over_page_borders_are_whole(stream: Stream, segments: int) -> None:
    packets = ogg_packets(stream("stereo.opus").read_bytes())
    data = ogg_file(packets, _granules(packets), segments)

    track = _demux(data)

    assert _frames(data, track) == packets[2:]
    assert bool(track.table.pieces) is (segments < 255)


def test_the_last_granule_is_the_end(stream: Stream) -> None:
    packets = ogg_packets(stream("stereo.opus").read_bytes())
    decoded = 960 * (len(packets) - 2)

    for trim in (0, 1, 959):
        track = _demux(ogg_file(packets, _granules(packets, end_trim=trim), 50))
        assert track.trim == Trim(SKIP, decoded - SKIP - trim, trim)


def test_a_stream_that_was_cut_out_begins_where_it_begins(stream: Stream) -> None:
    """RFC 7845, 4.3: the first page's granule position tells where the first sample stood."""
    packets = ogg_packets(stream("stereo.opus").read_bytes())

    track = _demux(ogg_file(packets, _granules(packets, start=48000), 50))

    assert track.trim == Trim(SKIP, 960 * (len(packets) - 2) - SKIP, 0)


def test_the_head_becomes_a_dops_box(stream: Stream) -> None:
    box = _demux(stream("5.1.opus").read_bytes()).config.config_box

    assert box[4:8] == b"dOps"
    assert box[8:12] == b"\0\6" + SKIP.to_bytes(2, "big")
    assert box[18:] == bytes((1, 4, 2, 0, 4, 1, 2, 3, 5))  # RFC 7845, 5.1.1.2: 5.1


def test_broken_streams(stream: Stream) -> None:
    packets = ogg_packets(stream("stereo.opus").read_bytes())[:40]
    granules = _granules(packets)
    good = ogg_file(packets, granules, 20)
    damaged = bytearray(good)
    damaged[-1] ^= 1
    second = good.index(b"OggS", 4)
    third = good.index(b"OggS", second + 4)
    fourth = good.index(b"OggS", third + 4)
    backwards = [*granules[:-1], granules[-1] + 1]
    for data, problem in (
        (bytes(damaged), "the page's checksum is wrong"),
        (good[:third] + good[fourth:], "page 2 is missing"),
        (ogg_file(packets, granules, 20, flags=0), "ends before its last page"),
        (good[:-1], "the file ends inside a page"),
        (good + b"junk", "no page begins here"),
        (ogg_file(packets, backwards, 20), "packets are missing"),
        (ogg_file(packets[:3], [*granules[:2], SKIP], 20), "312 of 960 samples, 312 to skip"),
        (ogg_file([*packets[:2], b"\xff\0"], granules[:3], 20), "a packet without frames"),
        (good[:second], "ends inside its comments"),
    ):
        with pytest.raises(MalformedMedia, match=problem):
            _demux(data)


def test_other_contents_are_refused(stream: Stream) -> None:
    packets = ogg_packets(stream("stereo.opus").read_bytes())[:40]
    granules = _granules(packets)
    good = ogg_file(packets, granules, 20)
    vorbis = ogg_file([b"\x01vorbis" + bytes(20), *packets[1:]], granules, 20)
    for data, problem in (
        (vorbis, "Vorbis in Ogg"),
        (ogg_file([b"fishead\0" + bytes(56), *packets[1:]], granules, 20), "begin with Opus"),
        (good + good, "page 0|is missing|several streams"),
    ):
        with pytest.raises((UnsupportedMedia, MalformedMedia), match=problem):
            _demux(data)

"""Fragmented files: ours, ffmpeg's, and with holes in them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from packager.boxes.base import Box, Container, parse
from packager.boxes.fragment import TrackFragmentDecodeTimeBox, TrackFragmentHeaderBox, TrackRunBox
from packager.demux import demux
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack, Scheme
from tests.packager.conftest import Encode
from tests.packager.demux.conftest import Stream
from tests.packager.packages import write


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


def _frames(data: bytes) -> list[bytes]:
    table = _demux(data).table
    return [
        data[start : start + size] for start, size in zip(table.offsets, table.sizes, strict=True)
    ]


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "alac"])
def test_what_we_wrote_is_read_back(encode: Encode, codec: str) -> None:
    encoded = encode(codec).read_bytes()
    rendition, packaged = write(encode(codec))

    track = _demux(packaged)

    assert track.config == _demux(encoded).config
    assert track.trim == rendition.trim
    assert _frames(packaged) == _frames(encoded)
    assert write(encode(codec))[1] == packaged


@pytest.mark.parametrize("name", ["fragments.aac.mp4", "offsets.aac.mp4"])
def test_every_base_of_offsets_is_understood(stream: Stream, name: str) -> None:
    assert _frames(stream(name).read_bytes()) == _frames(stream("stereo.m4a").read_bytes())


def test_encrypted_tracks_are_refused(encode: Encode) -> None:
    _, packaged = write(encode("aac"), scheme=Scheme.CBCS)

    with pytest.raises(UnsupportedMedia, match="already encrypted"):
        _demux(packaged)


def _changed(data: bytes, number: int, change: type[Box], value: Box) -> bytes:
    """A file whose fragment of that number has another box of that class."""
    out = []
    seen = 0
    for box in parse(data):
        if isinstance(box, Container) and box.kind == b"moof":
            if seen == number:
                traf = box.inside(b"traf")
                children = tuple(
                    value if isinstance(child, change) else child for child in traf.children
                )
                inner = replace(traf, children=children)
                box = replace(box, children=(box.children[0], inner))  # noqa: PLW2901
            seen += 1
        out.append(box.encode())
    return b"".join(out)


def test_a_hole_in_time_is_refused(encode: Encode) -> None:
    _, packaged = write(encode("aac"))
    late = TrackFragmentDecodeTimeBox(999999)

    with pytest.raises(UnsupportedMedia, match="ends at 176128, the next begins at 999999"):
        _demux(_changed(packaged, 1, TrackFragmentDecodeTimeBox, late))


def test_a_recording_may_begin_late(encode: Encode) -> None:
    rendition, packaged = write(encode("aac"), segment_s=60)
    late = TrackFragmentDecodeTimeBox(999999)

    track = _demux(_changed(packaged, 0, TrackFragmentDecodeTimeBox, late))

    assert track.trim == rendition.trim


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (TrackRunBox(1 << 31), "samples that are not in the file"),
        (TrackRunBox(5, data_offset=-(1 << 30)), "samples that are not in the file"),
        (TrackRunBox(5, data_offset=1 << 30), "samples that are not in the file"),
    ],
)
def test_runs_that_lie_are_refused(encode: Encode, run: TrackRunBox, problem: str) -> None:
    _, packaged = write(encode("aac"))

    with pytest.raises(MalformedMedia, match=problem):
        _demux(_changed(packaged, 0, TrackRunBox, run))


def test_fragments_of_other_tracks_are_passed_over(encode: Encode) -> None:
    _, packaged = write(encode("aac"), segment_s=60)

    with pytest.raises(MalformedMedia, match="holds no samples"):
        _demux(_changed(packaged, 0, TrackFragmentHeaderBox, TrackFragmentHeaderBox(7)))

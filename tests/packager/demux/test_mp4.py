from __future__ import annotations

import io
from dataclasses import replace

import pytest

from packager.boxes.base import Container, parse
from packager.boxes.movie import Edit, EditListBox, HandlerBox
from packager.demux import demux, with_length
from packager.errors import MalformedMedia, PackagerError, UnsupportedMedia
from packager.model import Trim
from tests.packager.conftest import SECONDS, Encode

SAMPLES = round(SECONDS * 44100)


@pytest.mark.parametrize(
    ("codec", "codecs", "frame", "trim"),
    [
        ("aac", "mp4a.40.2", 1024, Trim(1024, SAMPLES, 433 * 1024 - 1024 - SAMPLES)),
        ("flac", "fLaC", 4096, Trim(0, SAMPLES, 0)),
        ("alac", "alac", 4096, Trim(0, SAMPLES, 0)),
        ("opus", "Opus", 960, Trim(312, 480480, 501 * 960 - 312 - 480480)),
    ],
)
def test_what_an_encoder_wrote_is_read(
    encode: Encode, codec: str, codecs: str, frame: int, trim: Trim
) -> None:
    with encode(codec).open("rb") as source:
        track = demux(source)

    assert track.config.codecs == codecs
    assert track.config.frame_ticks == frame
    assert track.trim == trim
    assert len(track.table.durations) == len(track.table.offsets) == len(track.table)


def test_the_samples_are_where_the_table_says(encode: Encode) -> None:
    path = encode("opus")
    with path.open("rb") as source:
        table = demux(source).table
        source.seek(table.offsets[5])
        assert source.read(1)[0] >> 3 >= 12  # hybrid or CELT, as a music encoder chooses

    mdat = next(box for box in parse(path.read_bytes()) if box.code == b"mdat")
    assert sum(table.sizes) == len(mdat.encode()) - 8


def test_the_end_can_be_set_to_the_masters_length(encode: Encode) -> None:
    with encode("opus").open("rb") as source:
        track = demux(source)

    assert with_length(track, 480479).trim == Trim(312, 480479, track.trim.padding + 1)
    with pytest.raises(MalformedMedia, match="too few for 500000"):
        with_length(track, 500000)


def _edited(data: bytes, edit: Edit) -> bytes:
    def change(box: Container) -> Container:
        children = tuple(
            EditListBox((edit,))
            if isinstance(child, EditListBox)
            else change(child)
            if isinstance(child, Container)
            else child
            for child in box.children
        )
        return replace(box, children=children)

    boxes = [change(box) if isinstance(box, Container) else box for box in parse(data)]
    return b"".join(box.encode() for box in boxes)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (Edit(0, -1), "an edit list that does more"),
        (Edit(0, 10**9), "priming of 1000000000"),
    ],
)
def test_edit_lists_that_make_no_sense(encode: Encode, edit: Edit, problem: str) -> None:
    data = _edited(encode("aac").read_bytes(), edit)

    with pytest.raises(PackagerError, match=problem):
        demux(io.BytesIO(data))


def test_a_video_is_refused(encode: Encode) -> None:
    data = (
        encode("aac")
        .read_bytes()
        .replace(HandlerBox(b"soun").encode()[8:20], HandlerBox(b"vide").encode()[8:20])
    )

    with pytest.raises(UnsupportedMedia, match="a track of type 'vide', not audio"):
        demux(io.BytesIO(data))


@pytest.mark.parametrize("cut", [0, 4, 40, 1000, -1, -500])
def test_a_file_that_ends_early_is_refused(encode: Encode, cut: int) -> None:
    data = encode("flac").read_bytes()[:cut]

    with pytest.raises(MalformedMedia):
        demux(io.BytesIO(data))


def test_tables_that_reach_past_the_file_are_refused(encode: Encode) -> None:
    data = encode("alac").read_bytes()
    chunk = data.index(b"stco") + 12  # version, flags, count
    broken = data[:chunk] + b"\x7f\xff\xff\xff" + data[chunk + 4 :]

    with pytest.raises(MalformedMedia, match="beyond the end of the file"):
        demux(io.BytesIO(broken))

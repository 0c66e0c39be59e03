from __future__ import annotations

import io
from array import array
from collections.abc import Callable
from dataclasses import replace

import pytest

from packager.boxes.base import Box, Container, UnknownBox, parse
from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox, SampleDescriptionBox
from packager.boxes.movie import (
    Edit,
    EditListBox,
    HandlerBox,
    MediaHeaderBox,
    MovieHeaderBox,
)
from packager.boxes.table import (
    ChunkOffsetBox,
    SampleSizeBox,
    SampleToChunkBox,
    TimeToSampleBox,
)
from packager.demux import demux, with_length
from packager.demux.mp4 import MAX_MOVIE_BYTES
from packager.errors import MalformedMedia, PackagerError, UnsupportedMedia
from packager.model import Trim
from tests.packager.conftest import SECONDS, Encode
from tests.packager.demux.conftest import Stream

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


def _remade(data: bytes, change: Callable[[Box], Box | None]) -> bytes:
    """The file with its boxes changed; they lie behind the media data, so no sample moves."""

    def visit(box: Box) -> Box | None:
        changed = change(box)
        if isinstance(changed, Container):
            children = tuple(one for one in map(visit, changed.children) if one is not None)
            return replace(changed, children=children)
        if isinstance(changed, SampleDescriptionBox):
            entries = tuple(one for one in map(change, changed.entries) if one is not None)
            return SampleDescriptionBox(entries)
        return changed

    boxes = [visit(box) for box in parse(data)]
    return b"".join(box.encode() for box in boxes if box is not None)


def _with_esds(specific: str) -> Callable[[Box], Box]:
    def change(box: Box) -> Box:
        if isinstance(box, AudioSampleEntry):
            esds = ElementaryStreamBox(0x40, 0, 0, 32000, bytes.fromhex(specific))
            return replace(box, children=(esds,))
        return box

    return change


@pytest.mark.parametrize(
    ("specific", "codecs", "channels"),
    [
        ("2b920800", "mp4a.40.5", 2),  # hierarchical
        ("139056e5a0", "mp4a.40.5", 2),  # backward compatible
        ("138856e5a54880", "mp4a.40.29", 2),
    ],
)
@pytest.mark.parametrize("timescale", [22050, 44100])
def test_he_aac_is_timed_at_its_output_rate_whatever_the_file_counts_in(
    stream: Stream, specific: str, codecs: str, channels: int, timescale: int
) -> None:
    plain = stream("core.m4a").read_bytes()
    data = _remade(plain, _with_esds(specific))
    core = demux(io.BytesIO(plain)).trim

    def retimed(box: Box) -> Box:
        if isinstance(box, MediaHeaderBox):
            return replace(box, timescale=44100)
        if isinstance(box, TimeToSampleBox):
            entries = array("I", box.entries)
            entries[1::2] = array("I", [2 * delta for delta in entries[1::2]])
            return TimeToSampleBox(entries)
        if isinstance(box, EditListBox):
            return EditListBox((Edit(box.edits[0].duration, 2 * box.edits[0].media_time),))
        return box

    track = demux(io.BytesIO(data if timescale == 22050 else _remade(data, retimed)))

    config = track.config
    assert (config.codecs, config.channels) == (codecs, channels)
    assert (config.timescale, config.sample_rate_hz, config.frame_ticks) == (44100, 44100, 2048)
    assert track.trim == Trim(2 * core.delay, 2 * core.samples, 2 * core.padding)
    assert set(track.table.durations) == {2048}


def _itunes(text: bytes) -> UnknownBox:
    def box(kind: bytes, body: bytes) -> bytes:
        return UnknownBox(kind, body).encode()

    item = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"iTunSMPB")
    item += box(b"data", b"\0\0\0\1" + bytes(4) + text)
    handler = HandlerBox(b"mdir").encode()
    other = box(b"\xa9nam", box(b"data", bytes(8) + b"x")) + box(b"----", b"broken")
    return UnknownBox(b"meta", bytes(4) + handler + box(b"ilst", other + box(b"----", item)))


def _tagged(data: bytes, text: bytes, tail: bytes = b"") -> bytes:
    boxes = [box for box in parse(data) if box.code != b"moov"]
    movie = next(box for box in parse(data) if isinstance(box, Container))
    kept = tuple(child for child in movie.children if child.code != b"udta")
    body = _itunes(text).encode() + tail
    again = replace(movie, children=(*kept, UnknownBox(b"udta", body)))
    return b"".join(box.encode() for box in boxes) + again.encode()


@pytest.mark.parametrize(
    ("delay", "padding", "samples", "wanted"),
    [
        (2112, 344, 145000, Trim(2112, 145000, 344)),
        (2112, 344, 145001, Trim(1024, 145530, 902)),  # does not add up: not of this encoding
        (0, 0, 0, Trim(1024, 145530, 902)),
    ],
)
def test_itunes_gapless_data_counts_where_it_adds_up(
    stream: Stream, delay: int, padding: int, samples: int, wanted: Trim
) -> None:
    text = f" 00000000 {delay:08X} {padding:08X} {samples:016X} 00000000".encode()
    plain = stream("stereo.m4a").read_bytes()

    # QuickTime ends a udta with four zero bytes.
    for data in (_tagged(plain, text), _tagged(plain, text, bytes(4))):
        assert demux(io.BytesIO(data)).trim == wanted


@pytest.mark.parametrize(
    ("shown", "samples"),
    [
        (3300, 145530),  # agrees with the durations, which are finer
        (3299, 145530),
        (3000, 132300),  # cuts the end
        (0, 145530),
        (9999, 145530),  # reaches beyond what there is
    ],
)
def test_an_edit_may_cut_the_end(stream: Stream, shown: int, samples: int) -> None:
    data = _edited(stream("stereo.m4a").read_bytes(), Edit(shown, 1024))

    assert demux(io.BytesIO(data)).trim == Trim(1024, samples, 146554 + 902 - 1024 - samples)


def _with_track(data: bytes, handler: bytes, entry: Box) -> bytes:
    """A second track of another kind, which refers to the same samples."""
    boxes = list(parse(data))
    at = next(number for number, box in enumerate(boxes) if box.code == b"moov")
    movie = boxes[at]
    assert isinstance(movie, Container)

    def change(box: Box) -> Box:
        if isinstance(box, HandlerBox):
            return HandlerBox(handler)
        return SampleDescriptionBox((entry,)) if isinstance(box, SampleDescriptionBox) else box

    (track,) = movie.all(b"trak")
    second = parse(_remade(track.encode(), change))[0]
    boxes[at] = replace(movie, children=(*movie.children, second))
    return b"".join(box.encode() for box in boxes)


def test_chapters_and_covers_beside_the_music_are_left_behind(stream: Stream) -> None:
    data = stream("stereo.m4a").read_bytes()
    plain = demux(io.BytesIO(data))

    for handler, kind in ((b"text", b"text"), (b"sbtl", b"tx3g"), (b"vide", b"jpeg")):
        track = demux(io.BytesIO(_with_track(data, handler, UnknownBox(kind, bytes(8)))))
        assert (track.config, track.trim) == (plain.config, plain.trim)


def test_films_and_several_audio_tracks_are_refused(stream: Stream) -> None:
    data = stream("stereo.m4a").read_bytes()

    with pytest.raises(UnsupportedMedia, match="'vide', not audio"):
        demux(io.BytesIO(_with_track(data, b"vide", UnknownBox(b"avc1", bytes(8)))))
    with pytest.raises(UnsupportedMedia, match="2 audio tracks; one is wanted"):
        demux(io.BytesIO(_with_track(data, b"soun", UnknownBox(b"sowt", bytes(8)))))


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        (MediaHeaderBox(48000, 0), "a timescale of 48000 for audio at 44100 Hz"),
        (MediaHeaderBox(0, 0), "a timescale of 0"),
        (MediaHeaderBox(11025, 0), "a timescale of 11025"),
        (SampleSizeBox(common_size=4000, common_count=1 << 24), "16777216 samples"),
        (TimeToSampleBox(array("I", [143, 1024, 1, 1025])), "a last frame of 1025 ticks"),
        (TimeToSampleBox(array("I", [143, 1000, 1, 1000])), "other lengths than 1024"),
        (ChunkOffsetBox(b"co64", array("Q", [1 << 63])), "beyond the end of the file"),
    ],
)
def test_tables_that_make_no_sense(stream: Stream, box: Box, problem: str) -> None:
    def change(one: Box) -> Box:
        return box if type(one) is type(box) else one

    data = _remade(stream("stereo.m4a").read_bytes(), change)

    with pytest.raises(PackagerError, match=problem):
        demux(io.BytesIO(data))


def _replaced(data: bytes, kind: bytes, box: Box | None) -> bytes:
    return _remade(data, lambda one: box if one.code == kind else one)


@pytest.mark.parametrize(
    ("kind", "box", "problem"),
    [
        (b"mp4a", UnknownBox(b"sowt", b""), "samples coded as 'sowt'"),
        (b"stsz", SampleSizeBox(), "0 samples"),
        (b"stsc", SampleToChunkBox(array("I", [2, 1, 1])), "chunk numbers are out of order"),
        (b"stsc", SampleToChunkBox(array("I", [1, 9999, 1])), "chunks hold more samples"),
        (b"stsc", SampleToChunkBox(array("I", [1, 1, 1])), "of 144 samples"),
        (b"stts", TimeToSampleBox(array("I", [145, 1024])), "durations for more than 144"),
        (b"stts", TimeToSampleBox(array("I", [143, 1024])), "143 durations for 144 samples"),
        (b"mvhd", MovieHeaderBox(0, 0, 2), "the timescale is 0"),
        (b"mdhd", None, "has no mdhd"),
        (b"trak", None, "0 audio tracks"),
        (b"moov", None, "there is no moov box"),
    ],
)
def test_missing_and_broken_boxes(
    stream: Stream, kind: bytes, box: Box | None, problem: str
) -> None:
    data = _replaced(stream("stereo.m4a").read_bytes(), kind, box)

    with pytest.raises(PackagerError, match=problem):
        demux(io.BytesIO(data))


def test_a_file_without_an_edit_list_is_presented_whole(stream: Stream) -> None:
    data = _replaced(stream("stereo.m4a").read_bytes(), b"edts", None)

    assert demux(io.BytesIO(data)).trim == Trim(0, 146554, 902)


def test_a_movie_box_beyond_all_measure_is_not_read() -> None:
    size = MAX_MOVIE_BYTES + 8
    head = b"\0\0\0\x08free" + size.to_bytes(4, "big") + b"moov"

    with pytest.raises(MalformedMedia, match="moov: is 67108872 bytes long"):
        demux(io.BytesIO(head + bytes(size - 8)))

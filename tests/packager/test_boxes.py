"""Every box class is read back as it was written, and broken bytes raise one error only."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packager.boxes.base import Box, Container, UnknownBox, parse
from packager.boxes.entries import (
    AudioSampleEntry,
    ElementaryStreamBox,
    FlacSpecificBox,
    OpusSpecificBox,
    SampleDescriptionBox,
)
from packager.boxes.file import FileTypeBox, Reference, SegmentIndexBox, SegmentTypeBox
from packager.boxes.fragment import (
    MovieFragmentHeaderBox,
    TrackFragmentDecodeTimeBox,
    TrackFragmentHeaderBox,
    TrackRunBox,
)
from packager.boxes.loudness import (
    AlbumLoudnessBox,
    LoudnessBase,
    Measurement,
    TrackLoudnessBox,
)
from packager.boxes.movie import (
    DataReferenceBox,
    Dates,
    Edit,
    EditListBox,
    HandlerBox,
    MediaHeaderBox,
    MovieHeaderBox,
    SoundHeaderBox,
    TrackExtendsBox,
    TrackHeaderBox,
)
from packager.boxes.protection import (
    AuxiliaryOffsetsBox,
    AuxiliarySizesBox,
    OriginalFormatBox,
    ProtectionSystemBox,
    SampleEncryptionBox,
    SchemeTypeBox,
    TrackEncryptionBox,
)
from packager.boxes.table import (
    ChunkOffsetBox,
    SampleGroupDescriptionBox,
    SampleSizeBox,
    SampleToChunkBox,
    SampleToGroupBox,
    TimeToSampleBox,
)
from packager.errors import MalformedMedia
from tests.packager.conftest import Encode

u8 = st.integers(0, 2**8 - 1)
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
code = st.binary(min_size=4, max_size=4)
uuid = st.binary(min_size=16, max_size=16)
blob = st.binary(max_size=40)


def column(item: st.SearchStrategy[int] = u32, kind: str = "I") -> st.SearchStrategy[array[int]]:
    return st.lists(item, max_size=12).map(lambda values: array(kind, values))


def rows(width: int) -> st.SearchStrategy[array[int]]:
    return st.lists(st.tuples(*[u32] * width), max_size=6).map(
        lambda values: array("I", [item for row in values for item in row])
    )


@st.composite
def runs(draw: st.DrawFn) -> TrackRunBox:
    count = draw(st.integers(0, 9))
    one = st.none() | st.lists(u32, min_size=count, max_size=count).map(lambda v: array("I", v))
    return TrackRunBox(
        count,
        draw(st.none() | st.integers(-(2**31), 2**31 - 1)),
        draw(st.none() | u32),
        *(draw(one), draw(one), draw(one), draw(one)),
        signed_offsets=draw(st.booleans()),
    )


unknown = st.builds(UnknownBox, st.sampled_from([b"free", b"skip", b"zzzz"]), blob)
tenc = st.one_of(
    st.builds(
        TrackEncryptionBox,
        uuid,
        st.just(1),
        st.just(0),
        st.sampled_from([8, 16]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
        st.tuples(st.integers(0, 15), st.integers(0, 15)),
    ),
    st.builds(TrackEncryptionBox, uuid, st.just(1), st.sampled_from([8, 16])),
)
dops = st.one_of(
    st.builds(OpusSpecificBox, u8, u16, u32, st.integers(-(2**15), 2**15 - 1)),
    st.integers(1, 8).flatmap(
        lambda n: st.builds(
            OpusSpecificBox,
            st.just(n),
            u16,
            u32,
            st.just(0),
            st.integers(1, 255),
            st.binary(min_size=n + 2, max_size=n + 2),
        )
    ),
)
esds = st.builds(
    *(ElementaryStreamBox, u8, st.integers(0, 2**24 - 1), u32, u32, st.binary(max_size=300)),
    *(u16, st.booleans()),
)
dfla = st.builds(
    FlacSpecificBox,
    st.lists(st.tuples(st.integers(0, 127), blob), min_size=1, max_size=3).map(tuple),
)
entry = st.builds(
    AudioSampleEntry,
    st.sampled_from([b"mp4a", b"Opus", b"fLaC", b"alac", b"enca"]),
    u16,
    u16,
    u32,
    st.lists(esds | dops | dfla | unknown, max_size=2).map(tuple),
    u16,
)
reference = st.builds(
    Reference,
    st.integers(0, 2**31 - 1),
    u32,
    st.booleans(),
    st.booleans(),
    st.integers(0, 7),
    st.integers(0, 2**28 - 1),
)
s16 = st.integers(-(2**15), 2**15 - 1)
dates = st.builds(Dates, u64, u64)
matrix = st.binary(min_size=36, max_size=36)
language = st.sampled_from(["und", "eng", "jpn"])
edit = st.builds(Edit, u64, st.integers(-1, 2**63 - 1))
optional_u32 = st.none() | u32
movie_boxes = st.one_of(
    st.builds(MovieHeaderBox, u32, u64, u32, dates, u32, u16, matrix),
    st.builds(MovieHeaderBox, u32, u32, u32, wide=st.booleans()),
    st.builds(
        *(TrackHeaderBox, u32, u64, dates, st.integers(0, 2**24 - 1), s16, s16, u16, matrix),
        st.tuples(u32, u32),
    ),
    st.builds(TrackHeaderBox, u32, u32, wide=st.booleans()),
    st.builds(MediaHeaderBox, u32, u64, language, dates),
    st.builds(MediaHeaderBox, u32, u32, language, wide=st.booleans()),
    st.builds(HandlerBox, code, blob),
    st.builds(SoundHeaderBox, s16),
    st.just(DataReferenceBox()),
    st.builds(EditListBox, st.lists(edit, max_size=3).map(tuple)),
    st.builds(EditListBox, st.just((Edit(0, 1024),)), st.booleans()),
    st.builds(TrackExtendsBox, u32, u32, u32, u32, u32),
)
table_boxes = st.one_of(
    st.builds(TimeToSampleBox, rows(2)),
    st.builds(SampleToChunkBox, rows(3)),
    st.builds(SampleSizeBox, column()),
    st.builds(SampleSizeBox, st.just(array("I")), st.integers(1, 2**32 - 1), u32),
    st.builds(ChunkOffsetBox, st.just(b"stco"), column()),
    st.builds(ChunkOffsetBox, st.just(b"co64"), column(u64, "Q")),
    st.integers(-(2**15), 2**15 - 1).map(SampleGroupDescriptionBox.roll),
    st.builds(
        SampleGroupDescriptionBox,
        code,
        st.just(3),
        st.lists(st.binary(min_size=3, max_size=3), max_size=3).map(tuple),
        optional_u32,
    ),
    st.builds(
        SampleToGroupBox, code, st.lists(st.tuples(u32, u32), max_size=3).map(tuple), optional_u32
    ),
    st.builds(SampleDescriptionBox, st.lists(entry, max_size=2).map(tuple)),
)
fragment_boxes = st.one_of(
    st.builds(MovieFragmentHeaderBox, u32),
    st.builds(
        TrackFragmentHeaderBox,
        u32,
        st.none() | u64,
        optional_u32,
        optional_u32,
        optional_u32,
        optional_u32,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(TrackFragmentDecodeTimeBox, u64),
    st.builds(TrackFragmentDecodeTimeBox, u32, st.just(value=False)),
    runs(),
)
protection_boxes = st.one_of(
    st.builds(OriginalFormatBox, code),
    st.builds(SchemeTypeBox, code, u32, blob),
    tenc,
    st.builds(ProtectionSystemBox, uuid, st.lists(uuid, max_size=3).map(tuple), blob),
    st.builds(SampleEncryptionBox, u32, blob, st.booleans()),
    st.builds(AuxiliarySizesBox, st.integers(1, 255), u32),
    blob.map(lambda sizes: AuxiliarySizesBox(0, len(sizes), sizes)),
    st.builds(AuxiliaryOffsetsBox, st.lists(u64, max_size=3).map(tuple)),
    st.builds(AuxiliaryOffsetsBox, st.just((5,)), st.binary(min_size=8, max_size=8), st.booleans()),
)
u4, u6, u12 = st.integers(0, 15), st.integers(0, 63), st.integers(0, 4095)
measurements = st.lists(st.builds(Measurement, u8, u8, u4, u4), max_size=3).map(tuple)


def loudness_base(eq_set_id: st.SearchStrategy[int | None]) -> st.SearchStrategy[LoudnessBase]:
    return st.builds(
        LoudnessBase, u12, u12, u4, u4, measurements, st.integers(0, 127), u6, eq_set_id
    )


loudness_bases = st.one_of(
    st.tuples(loudness_base(st.none())),  # version 0
    st.lists(loudness_base(u6), max_size=3).map(tuple),  # version 1
)
loudness_boxes = st.one_of(
    st.builds(TrackLoudnessBox, loudness_bases), st.builds(AlbumLoudnessBox, loudness_bases)
)
file_boxes = st.one_of(
    st.builds(FileTypeBox, code, u32, st.lists(code, max_size=4).map(tuple)),
    st.builds(SegmentTypeBox, code, u32, st.lists(code, max_size=4).map(tuple)),
    st.builds(SegmentIndexBox, u32, u32, u64, u64, st.lists(reference, max_size=5).map(tuple)),
    st.builds(SegmentIndexBox, u32, u32, u32, u32, st.just(()), st.just(value=False)),
    unknown,
)
leaf: st.SearchStrategy[Box] = st.one_of(
    movie_boxes, table_boxes, fragment_boxes, protection_boxes, loudness_boxes, file_boxes
)
box = st.recursive(
    leaf,
    lambda inner: st.builds(
        Container,
        st.sampled_from([b"moov", b"trak", b"traf", b"sinf", b"ludt"]),
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=5,
)


@settings(max_examples=600)
@given(box)
def test_a_box_is_read_back_as_it_was_written(value: Box) -> None:
    data = value.encode()

    assert parse(data) == (value,)
    assert int.from_bytes(data[:4], "big") == len(data)


@settings(max_examples=600)
@given(box, st.data())
def test_damage_gives_a_value_or_the_one_error(value: Box, data: st.DataObject) -> None:
    damaged = bytearray(value.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(u8)
    end = data.draw(st.integers(0, len(damaged)))
    for candidate in (bytes(damaged), bytes(damaged[:end])):
        with suppress(MalformedMedia):
            parse(candidate)


def test_a_64_bit_size_is_read() -> None:
    body = b"\0\0\0\x01free" + (16 + 3).to_bytes(8, "big") + b"abc"

    assert parse(body) == (UnknownBox(b"free", b"abc"),)


def test_size_zero_reaches_to_the_end() -> None:
    assert parse(b"\0\0\0\0freeabc") == (UnknownBox(b"free", b"abc"),)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\0\0\0\x07free", "is said to be 7 bytes long"),
        (b"\0\0\0\x20free", "needs 24 bytes, 0 are left"),
        (b"\0\0\0", "needs 4 bytes, 3 are left"),
        (b"\0\0\0\x0cmfhd\x01\0\0\0", "mfhd: version 1 is not known"),
        (SoundHeaderBox().encode()[:3] + b"\x11smhd" + bytes(9), "1 bytes after the last field"),
    ],
)
def test_a_broken_header_says_what_is_wrong(data: bytes, problem: str) -> None:
    with pytest.raises(MalformedMedia, match=problem):
        parse(data)


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(40):
        data = (len(data) + 8).to_bytes(4, "big") + b"moov" + data

    with pytest.raises(MalformedMedia, match="nested more than 16 deep"):
        parse(data)


def test_an_alac_box_inside_an_alac_entry_is_not_taken_for_an_entry() -> None:
    cookie = UnknownBox(b"alac", bytes(28))
    description = SampleDescriptionBox((AudioSampleEntry(b"alac", 2, 16, 0, (cookie,)),))

    assert parse(description.encode()) == (description,)


def test_samples_in_another_file_are_refused() -> None:
    elsewhere = bytearray(DataReferenceBox().encode())
    elsewhere[-1] = 0

    with pytest.raises(MalformedMedia, match="samples in another file"):
        parse(bytes(elsewhere))


def test_the_w3c_example_of_a_common_pssh_is_reproduced() -> None:
    """W3C "cenc" Initialization Data Format, section 4: one KID; see also security.md 1.2."""
    example = bytes.fromhex(
        "00000034"  # size
        "70737368"  # pssh
        "01000000"  # version 1, flags
        "1077efecc0b24d02ace33c1e52e2fb4b"  # SystemID
        "00000001"  # KID_count
        "9eb4050de44b4802932e27d75083e266"  # KID
        "00000000"  # DataSize
    )
    wanted = ProtectionSystemBox(
        bytes.fromhex("1077efecc0b24d02ace33c1e52e2fb4b"),
        (bytes.fromhex("9eb4050de44b4802932e27d75083e266"),),
    )

    assert wanted.encode() == example
    assert parse(example) == (wanted,)


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "alac"])
def test_an_encoders_whole_file_is_written_back_byte_for_byte(encode: Encode, codec: str) -> None:
    data = encode(codec).read_bytes()

    assert b"".join(one.encode() for one in parse(data)) == data


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_movie_box_raises_the_one_error(encode: Encode, data: st.DataObject) -> None:
    whole = encode("opus").read_bytes()
    start = whole.index(b"moov") - 4
    movie = bytearray(whole[start:])
    for _ in range(data.draw(st.integers(1, 8))):
        movie[data.draw(st.integers(0, len(movie) - 1))] = data.draw(u8)
    with suppress(MalformedMedia):
        parse(bytes(movie))


def test_lookups_name_what_is_missing() -> None:
    moov = Container(b"moov", ())
    missing: list[tuple[Callable[[], object], str]] = [
        (lambda: moov.get(MovieHeaderBox), "moov: has no mvhd"),
        (lambda: moov.inside(b"trak"), "moov: has no trak"),
    ]
    for look, problem in missing:
        with pytest.raises(MalformedMedia, match=problem):
            look()

"""Values in LUFS and decibels as the codes of ISO/IEC 23003-4, and as boxes in a track file."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest

from packager.boxes.base import Container, parse
from packager.boxes.loudness import (
    AlbumLoudnessBox,
    LoudnessBase,
    Measurement,
    TrackLoudnessBox,
)
from packager.cmaf import write_track
from packager.demux import demux
from packager.loudness import loudness_box, loudness_text
from packager.model import Loudness, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import protection

TRACK = Loudness(-14.2, 5.3, -1.1)
ALBUM = Loudness(-13.7, 9.0, 0.4)


def _base(loudness: Loudness) -> LoudnessBase:
    box = loudness_box(loudness, None)
    assert box is not None
    return box.get(TrackLoudnessBox).bases[0]


def test_the_bytes_of_a_track_and_its_album() -> None:
    example = bytes.fromhex(
        "0000003a 6c756474"  # ludt
        "00000019 746c6f75 00000000"  # tlou, version 0
        "0000"  # reserved, downmix_ID, DRC_set_ID
        "0002a3"  # no sample peak; (20 + 1.1) * 32 = 675
        "13"  # EBU R 128, measured
        "02"  # measurement_count
        "01ae13"  # program loudness (-14.2 + 57.75) * 4 = 174
        "061513"  # loudness range 5.3 * 4 = 21
        "00000019 616c6f75 00000000"  # alou
        "0000000273130201b0130624 13"
    )
    box = loudness_box(TRACK, ALBUM)

    assert box is not None
    assert box.encode() == example
    assert parse(example) == (box,)


@pytest.mark.parametrize(
    ("lufs", "code"), [(-57.75, 0), (-70, 0), (-23, 139), (0, 231), (6, 255), (9, 255)]
)
def test_program_loudness_is_coded_in_quarters(lufs: float, code: int) -> None:
    assert _base(Loudness(lufs, None, None)).measurements == (Measurement(1, code, 1, 3),)


@pytest.mark.parametrize(
    ("lu", "code"), [(0, 0), (0.25, 1), (32, 128), (32.5, 129), (70, 204), (71, 205), (200, 255)]
)
def test_range_is_coded_in_growing_steps(lu: float, code: int) -> None:
    assert _base(Loudness(-14, lu, None)).measurements[1] == Measurement(6, code, 1, 3)


@pytest.mark.parametrize(
    ("dbtp", "code"), [(20, 1), (0, 640), (-1, 672), (-107.96875, 4095), (-200, 4095)]
)
def test_true_peak_is_coded_in_32nds_and_never_as_unknown(dbtp: float, code: int) -> None:
    base = _base(Loudness(-14, 1, dbtp))
    assert base.bs_true_peak_level == code
    assert (base.measurement_system_for_tp, base.reliability_for_tp) == (1, 3)


def test_what_is_not_known_is_not_written() -> None:
    assert loudness_box(None, None) is None
    assert loudness_box(Loudness(None, None, -80), None) is None
    only_album = loudness_box(None, ALBUM)
    assert only_album is not None
    assert only_album.find(TrackLoudnessBox) is None
    assert only_album.find(AlbumLoudnessBox) is not None
    unknown_peak = _base(Loudness(-14, None, None))
    assert unknown_peak.measurement_system_for_tp == unknown_peak.reliability_for_tp == 0


@pytest.mark.parametrize(
    ("loudness", "text"),
    [
        (TRACK, "integrated=-14.2,range=5.3,true-peak=-1.1"),
        (Loudness(-14.0, None, 0.0), "integrated=-14,true-peak=0"),
        (Loudness(None, None, None), ""),
    ],
)
def test_manifests_say_it_in_words(loudness: Loudness, text: str) -> None:
    assert loudness_text(loudness) == text


def test_versions_do_not_mix() -> None:
    with pytest.raises(ValueError, match="either every loudness base names an EQ set"):
        TrackLoudnessBox((LoudnessBase(), LoudnessBase(eq_set_id=1)))


@pytest.mark.parametrize("scheme", [Scheme.CLEAR, Scheme.CENC, Scheme.CBCS])
def test_a_track_file_says_how_loud_it_is(encode: Encode, scheme: Scheme) -> None:
    out = io.BytesIO()
    box = loudness_box(TRACK, ALBUM)
    with encode("aac").open("rb") as source:
        rendition = write_track(
            source,
            demux(source),
            out,
            name="aac-128k",
            tier="standard",
            segment_s=Fraction(4),
            protection=protection(scheme),
            loudness=box,
        )
    out.seek(0)
    movie = parse(out.getvalue()[: rendition.init.end])[1]
    assert isinstance(movie, Container)
    assert movie.inside(b"trak", b"udta").children == (box,)
    assert out.getvalue()[rendition.sidx.start + 4 :].startswith(b"sidx")

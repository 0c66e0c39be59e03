"""`dac3` and `dec3` as boxes, and the channels that they stand for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packager import codecs
from packager.boxes.base import parse
from packager.boxes.dolby import Ac3SpecificBox, Ec3SpecificBox, IndependentSubstream
from packager.boxes.entries import AudioSampleEntry
from packager.codecs import ac3
from packager.errors import MalformedMedia


def bits(width: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << width) - 1)


@st.composite
def substreams(draw: st.DrawFn) -> IndependentSubstream:
    dependent = draw(bits(4))
    chan_loc = draw(bits(9)) if dependent else 0
    fscod, bsid, bsmod, acmod, lfeon, asvc = (draw(bits(width)) for width in (2, 5, 3, 3, 1, 1))
    return IndependentSubstream(fscod, bsid, bsmod, acmod, lfeon, dependent, chan_loc, asvc)


ec3_boxes = st.builds(
    Ec3SpecificBox,
    bits(13),
    st.lists(substreams(), min_size=1, max_size=8).map(tuple),
    st.none() | bits(8),
    st.just(b"") | st.just(b"\0") | st.just(b"\0later"),
)


@given(st.builds(Ac3SpecificBox, bits(2), bits(5), bits(3), bits(3), bits(1), bits(5)))
def test_dac3_is_read_back(box: Ac3SpecificBox) -> None:
    assert parse(box.encode()) == (box,)


@given(ec3_boxes)
def test_dec3_is_read_back(box: Ec3SpecificBox) -> None:
    assert parse(box.encode()) == (box,)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        # 5.1 at 448 kbit/s: fscod 0, bsid 8, bsmod 0, acmod 7, lfeon 1, bit_rate_code 15
        ("0000000b 64616333 103de0", Ac3SpecificBox(0, 8, 0, 7, 1, 15)),
        # 5.1 at 448 kbit/s with joint objects of complexity 16
        (
            # data_rate 448, one substream; bsid 16, acmod 7, lfeon 1; the extension
            "0000000f 64656333 0e00 200f00 0110",
            Ec3SpecificBox(448, (IndependentSubstream(0, 16, 0, 7, 1),), 16),
        ),
        # 7.1: one dependent substream with Lrs/Rrs
        (
            "0000000e 64656333 1800 200f 0202",
            Ec3SpecificBox(768, (IndependentSubstream(0, 16, 0, 7, 1, 1, 2),)),
        ),
    ],
)
def test_bytes_by_hand(data: str, wanted: Ac3SpecificBox | Ec3SpecificBox) -> None:
    assert parse(bytes.fromhex(data)) == (wanted,)
    assert wanted.encode() == bytes.fromhex(data)


@pytest.mark.parametrize(
    ("acmod", "lfeon", "chan_loc", "channels", "layout"),
    [
        (0, 0, 0, 2, 2),  # dual mono
        (1, 0, 0, 1, 1),
        (2, 0, 0, 2, 2),
        (2, 1, 0, 3, None),  # 2.1 has no number
        (3, 0, 0, 3, 3),
        (4, 0, 0, 3, 9),
        (5, 0, 0, 4, 4),
        (6, 0, 0, 4, 10),
        (7, 0, 0, 5, 5),
        (7, 1, 0, 6, 6),
        (7, 1, 0b1, 8, 7),  # Lc/Rc
        (7, 1, 0b10, 8, 12),  # Lrs/Rrs
        (7, 1, 0b100, 7, 11),  # Cs
        (7, 1, 0b1000000, 8, 14),  # Lvh/Rvh
        (7, 1, 0b100000000, 7, None),  # LFE2
    ],
)
def test_channels_come_from_acmod_and_the_dependent_substreams(
    acmod: int, lfeon: int, chan_loc: int, channels: int, layout: int | None
) -> None:
    """shaka-packager#313, Bento4#821: never from the sample entry's own count."""
    one = IndependentSubstream(0, 16, 0, acmod, lfeon, int(chan_loc > 0), chan_loc)
    entry = AudioSampleEntry(b"ec-3", 2, 16, 48000 << 16, (Ec3SpecificBox(448, (one,)),))

    config = codecs.read_config(entry)

    assert (config.channels, config.channel_configuration) == (channels, layout)
    assert (config.codecs, config.frame_ticks, config.bit_depth) == ("ec-3", 1536, None)


def test_a_custom_channel_map_becomes_locations() -> None:
    assert ac3.chan_loc(0x0200) == 0b10
    assert ac3.chan_loc(0x0402) == 0b1_0000_0001


@pytest.mark.parametrize("kind", [b"ac-3", b"ec-3"])
def test_broken_entries(kind: bytes) -> None:
    box = (
        Ac3SpecificBox(3, 8, 0, 7, 1, 15)
        if kind == b"ac-3"
        else Ec3SpecificBox(448, (IndependentSubstream(3, 16, 0, 7, 1),))
    )
    with pytest.raises(MalformedMedia, match="the sampling rate is reserved"):
        codecs.read_config(AudioSampleEntry(kind, 2, 16, 0, (box,)))
    with pytest.raises(MalformedMedia, match="has no d"):
        codecs.read_config(AudioSampleEntry(kind, 2, 16, 0, ()))

"""Real HE-AAC, whatever the file says of it: the frames are looked at where it says nothing."""

from __future__ import annotations

import time

import pytest

from packager.boxes.base import parse
from packager.boxes.entries import ElementaryStreamBox
from packager.codecs import aac
from packager.demux import demux
from packager.demux.sbr import ends_in_ps, made_explicit, sbr_data
from packager.demux.stream import ByteStream
from packager.errors import UnsupportedMedia
from packager.model import EncodedTrack, Trim
from tests.packager.demux.conftest import Stream
from tests.support.he_aac import SAMPLES, SIGNALING, VERSIONS, vector
from tests.support.streams import bits


def _track(name: str) -> EncodedTrack:
    with vector(name).open("rb") as source:
        return demux(source)


@pytest.mark.parametrize("signaling", SIGNALING)
@pytest.mark.parametrize(("version", "delay"), [("he", 5058), ("he2", 7106)])
def test_an_mp4_of_any_signaling_is_explicit_afterwards(
    version: str, delay: int, signaling: str
) -> None:
    track = _track(f"{version}-{signaling}.m4a")

    config = track.config
    assert (config.codecs, config.sample_rate_hz) == (VERSIONS[version], 44100)
    assert (config.channels, config.channel_configuration, config.frame_ticks) == (2, 2, 2048)
    assert track.trim.delay == delay
    assert track.trim.samples == SAMPLES
    assert delay + SAMPLES + track.trim.padding == 2048 * len(track.table)
    assert not _specific(track).is_silent_on_sbr


@pytest.mark.parametrize(
    ("name", "codecs", "channels"),
    [("he.aac", "mp4a.40.5", 2), ("he-mono.aac", "mp4a.40.5", 1), ("he2.aac", "mp4a.40.29", 2)],
)
def test_an_adts_stream_is_what_its_frames_are(name: str, codecs: str, channels: int) -> None:
    track = _track(name)

    config = track.config
    assert (config.codecs, config.channels, config.sample_rate_hz) == (codecs, channels, 44100)
    assert track.trim == Trim(0, 2048 * len(track.table), 0)
    assert _specific(track).object_type == int(codecs.rpartition(".")[2])


def _specific(track: EncodedTrack) -> aac.AudioSpecificConfig:
    (esds,) = parse(track.config.config_box)
    assert isinstance(esds, ElementaryStreamBox)
    return aac.parse(esds.decoder_specific)


def test_every_frame_shows_it_behind_any_stuffing() -> None:
    """An encoder at a constant bit rate stuffs what it has no use for, behind the SBR data."""
    for name in ("he.aac", "he-mono.aac", "he2.aac"):
        found = [sbr_data(frame) for frame in _frames(name)]
        assert None not in found
        stereo = [ends_in_ps(data) for data in found if data]
        assert all(stereo) == (name == "he2.aac")
        assert sum(stereo) < len(stereo) * 3 / 4 or name == "he2.aac"


def _frames(name: str) -> list[bytes]:
    table = _track(name).table
    data = vector(name).read_bytes()
    return [data[at : at + size] for at, size in zip(table.offsets, table.sizes, strict=True)]


@pytest.mark.parametrize(
    "stuffing",
    [
        ((6, 3), (0, 4)),
        ((6, 3), (3, 4), (0x10A5A5, 24)),
        ((6, 3), (2, 4), (0, 16)),
        ((6, 3), (15, 4), (1, 8), (0x10, 8), (int.from_bytes(b"\xa5" * 14, "big"), 112)),
        ((6, 3), (0, 4)) * 8,
    ],
)
def test_stuffing_is_passed_over(stuffing: tuple[tuple[int, int], ...]) -> None:
    sbr = ((6, 3), (2, 4), (13, 4), (0x123, 12))
    assert sbr_data(bits((5, 11), *sbr, *stuffing, (7, 3))) == (0xD123, 2)
    assert sbr_data(bits((5, 11), *sbr, (6, 3), (2, 4), (0x10A6, 16), (7, 3))) is None


def test_a_frame_that_is_far_too_large_takes_no_longer() -> None:
    """Every shift of a number of 50 MB would copy all of it."""
    began = time.process_time()
    assert sbr_data(bytes(50_000_000) + b"\x07") is None
    assert time.process_time() - began < 1


@pytest.mark.parametrize("size", [1, 14, 15, 100])
def test_parametric_stereo_is_the_extension_that_ends_the_data(size: int) -> None:
    escaped = ((15, 4), (size - 15, 8)) if size >= 15 else ((size, 4),)
    body = (2 << 8 * size - 2 | 1, 8 * size)
    assert ends_in_ps(_number(((13, 4), (77, 10), (1, 1), *escaped, body, (0, 5))))
    other = (1 << 8 * size - 2 | 1, 8 * size)
    assert not ends_in_ps(_number(((13, 4), (0, 10), (1, 1), *escaped, other, (0, 5))))


def _number(fields: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    data = bits(*fields)
    return int.from_bytes(data, "big"), len(data)


def test_what_a_configuration_says_is_believed(stream: Stream) -> None:
    """sbrPresentFlag 0 (ffmpeg's own encoder writes it), and AAC-LC that says nothing."""
    with vector("he-implicit.m4a").open("rb") as file:
        table = demux(file).table
        source = ByteStream(file)
        assert made_explicit(source, table, bytes.fromhex("139056e500")).hex() == "139056e500"
        assert made_explicit(source, table, bytes.fromhex("1390")).hex() == "139056e5a0"
        with pytest.raises(UnsupportedMedia, match="up to 128000 Hz"):
            made_explicit(source, table, bytes.fromhex("1110"))
    with stream("stereo.aac").open("rb") as file:
        track = demux(file)
        assert made_explicit(ByteStream(file), track.table, b"\x12\x10") == b"\x12\x10"


def test_surround_sound_that_may_be_either_is_refused(stream: Stream) -> None:
    """Its frames end in an LFE channel: the SBR data of the others lies before that."""
    with stream("5.1.aac").open("rb") as file:
        source, table = ByteStream(file), demux(file).table
        assert made_explicit(source, table, bytes.fromhex("11b0")).hex() == "11b0"
        with pytest.raises(UnsupportedMedia, match="6 channels at 22050 Hz"):
            made_explicit(source, table, bytes.fromhex("13b0"))


def test_the_extension_follows_what_an_lc_decoder_reads_to_the_bit() -> None:
    """Here 41 bits, with an escaped rate of 44,100 Hz."""
    config = aac.parse(aac.signaled(bytes.fromhex("178056221000"), aac.SBR))
    assert config == aac.AudioSpecificConfig(5, 44100, 88200, 2, 1024, 2)

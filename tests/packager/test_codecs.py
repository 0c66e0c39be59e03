"""Decoder configurations against bytes from the specifications and from real encoders."""

from __future__ import annotations

import pytest

from packager import codecs
from packager.boxes.base import UnknownBox
from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox, OpusSpecificBox
from packager.bytestream import pack_bits
from packager.codecs import aac, flac, opus
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        # AAC-LC, 44.1 kHz, stereo
        ("1210", aac.AudioSpecificConfig(2, 44100, 44100, 2, 1024, 2, is_silent_on_sbr=True)),
        # AAC-LC, 48 kHz, mono
        ("1188", aac.AudioSpecificConfig(2, 48000, 48000, 1, 1024, 1, is_silent_on_sbr=True)),
        # AAC-LC, 44.1 kHz, stereo, frameLengthFlag
        ("1214", aac.AudioSpecificConfig(2, 44100, 44100, 2, 960, 2, is_silent_on_sbr=True)),
        # AAC-LC, escaped rate of 44,100 Hz, stereo
        (
            "178056221000",
            aac.AudioSpecificConfig(2, 44100, 44100, 2, 1024, 2, is_silent_on_sbr=True),
        ),
        # HE-AAC, explicit: core 22.05 kHz, output 44.1 kHz, stereo
        ("2b920800", aac.AudioSpecificConfig(5, 22050, 44100, 2, 1024, 2)),
        # HE-AAC v2, explicit: core 22.05 kHz mono, output 44.1 kHz stereo
        ("eb8a0800", aac.AudioSpecificConfig(29, 22050, 44100, 2, 1024, 2)),
        # AAC-LC, 48 kHz, 7.1 (channelConfiguration 7)
        ("11b8", aac.AudioSpecificConfig(2, 48000, 48000, 8, 1024, 7, is_silent_on_sbr=True)),
        # HE-AAC, backward compatible (0x2b7): an LC decoder reads the first two bytes only
        ("139056e5a0", aac.AudioSpecificConfig(5, 22050, 44100, 2, 1024, 2)),
        # HE-AAC v2, backward compatible (0x2b7, 0x548)
        ("138856e5a54880", aac.AudioSpecificConfig(29, 22050, 44100, 2, 1024, 2)),
        # The same with psPresentFlag 0 and with sbrPresentFlag 0
        ("138856e5a54800", aac.AudioSpecificConfig(5, 22050, 44100, 1, 1024, 1)),
        ("139056e500", aac.AudioSpecificConfig(2, 22050, 22050, 2, 1024, 2)),
        # HE-AAC of 960 samples a frame (DAB+), explicit
        ("2b920a00", aac.AudioSpecificConfig(5, 22050, 44100, 2, 960, 2)),
        # HE-AAC with downsampled SBR: the output is at the core's rate
        ("2b8b8800", aac.AudioSpecificConfig(5, 22050, 22050, 1, 1024, 1)),
        # AAC-LC, 48 kHz: 6.1 (11), 7.1 surround (12), 7.1 top (14)
        ("11d8", aac.AudioSpecificConfig(2, 48000, 48000, 7, 1024, 11, is_silent_on_sbr=True)),
        ("11e0", aac.AudioSpecificConfig(2, 48000, 48000, 8, 1024, 12, is_silent_on_sbr=True)),
        ("11f0", aac.AudioSpecificConfig(2, 48000, 48000, 8, 1024, 14, is_silent_on_sbr=True)),
    ],
)
def test_audio_specific_configs(data: str, wanted: aac.AudioSpecificConfig) -> None:
    assert aac.parse(bytes.fromhex(data)) == wanted


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("0a10", "audio object type 1"),  # AAC Main
        ("11e8", "channel configuration 13"),
        ("1200", "needs 10 bits"),  # a program_config_element that is not there
        ("1200000000000000", "a program of no channels"),
        ("2b120800", "a core at 24000 Hz under 44100 Hz"),
        ("eb920800", "parametric stereo of 2 channels"),
        ("1690", "sampling frequency index 13 is reserved"),
        ("12", "needs 4 bits"),
    ],
)
def test_other_aac_is_refused(data: str, problem: str) -> None:
    with pytest.raises((MalformedMedia, UnsupportedMedia), match=problem):
        aac.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"\xfc", 960),  # CELT 20 ms, one frame
        (b"\xe0", 120),  # CELT 2.5 ms
        (b"\x08", 960),  # SILK 20 ms
        (b"\x18", 2880),  # SILK 60 ms
        (b"\xfd", 1920),  # two frames
        (b"\xff\x03", 2880),  # code 3, three frames
    ],
)
def test_opus_packet_durations(packet: bytes, samples: int) -> None:
    assert opus.packet_samples(packet) == samples


@pytest.mark.parametrize("packet", [b"", b"\xff"])
def test_opus_packets_that_end_early(packet: bytes) -> None:
    with pytest.raises(MalformedMedia):
        opus.packet_samples(packet)


@pytest.mark.parametrize(("packet", "roll"), [(b"\xfc", -4), (b"\xff\x03", -2), (b"\xe0", -32)])
def test_opus_rolls_80_ms_counted_in_packets(packet: bytes, roll: int) -> None:
    dops = OpusSpecificBox(2, 312, 44100, 0)
    config = codecs.read_config(AudioSampleEntry(b"Opus", 2, 16, 48000 << 16, (dops,)))

    assert opus.with_packet(config, packet).roll_distance == roll


def test_streaminfo_of_96_khz_24_bit() -> None:
    data = (
        bytes.fromhex("1000 1000")  # smallest and largest block: 4096
        + bytes(6)  # frame sizes: not known
        + pack_bits((96000, 20), (2 - 1, 3), (24 - 1, 5), (16, 36))
        + bytes(range(16))  # MD5
    )

    info = flac.parse(data)

    assert (info.sample_rate_hz, info.channels, info.bit_depth) == (96000, 2, 24)
    assert (info.min_block, info.max_block, info.samples) == (4096, 4096, 16)
    assert info.md5 == bytes(range(16))


def test_broken_streaminfo() -> None:
    with pytest.raises(MalformedMedia, match="is 3 bytes long, not 34"):
        flac.parse(b"abc")
    with pytest.raises(MalformedMedia, match="out of range"):
        flac.parse(bytes(34))


def test_unknown_codings_and_missing_boxes() -> None:
    with pytest.raises(UnsupportedMedia, match="audio coded as 'enca'"):
        codecs.read_config(AudioSampleEntry(b"enca", 2, 16, 0, ()))
    with pytest.raises(MalformedMedia, match="stsd/mp4a: has no esds"):
        codecs.read_config(AudioSampleEntry(b"mp4a", 2, 16, 0, ()))
    with pytest.raises(MalformedMedia, match="has no alac box"):
        codecs.read_config(AudioSampleEntry(b"alac", 2, 16, 0, ()))
    mp3 = ElementaryStreamBox(0x6B, 0, 0, 0, b"")
    with pytest.raises(UnsupportedMedia, match="object type 0x6b"):
        codecs.read_config(AudioSampleEntry(b"mp4a", 2, 16, 0, (mp3,)))


def test_an_alac_cookie() -> None:
    cookie = (
        bytes(4)  # version, flags
        + (4096).to_bytes(4, "big")
        + bytes([0, 24, 40, 10, 14, 2])
        + (255).to_bytes(2, "big")
        + bytes(8)
        + (96000).to_bytes(4, "big")
    )
    entry = AudioSampleEntry(b"alac", 2, 24, 0, (UnknownBox(b"alac", cookie),))

    config = codecs.read_config(entry)

    assert (config.codec, config.codecs, config.bit_depth) == (Codec.ALAC, "alac", 24)
    assert (config.sample_rate_hz, config.frame_ticks) == (96000, 4096)


def test_the_es_id_is_cleared() -> None:
    esds = ElementaryStreamBox(0x40, 0, 0, 128000, bytes.fromhex("1210"), es_id=7)

    config = codecs.read_config(AudioSampleEntry(b"mp4a", 2, 16, 0, (esds,)))

    assert config.config_box == ElementaryStreamBox(0x40, 0, 0, 128000, b"\x12\x10").encode()

"""Opus: always decoded at 48 kHz. RFC 6716, RFC 7845; "Encapsulation of Opus in ISO BMFF"."""

from __future__ import annotations

from dataclasses import replace

from packager.boxes.entries import AudioSampleEntry, OpusSpecificBox
from packager.codecs import layouts
from packager.codecs.entry import config_box
from packager.errors import MalformedMedia
from packager.model import Codec, CodecConfig

RATE_HZ = 48000
SEEK_PREROLL = 3840  # samples: 80 ms, Encapsulation of Opus, 4.3.6.2
# Samples per frame by configuration number, RFC 6716, table 2 (SILK, hybrid, CELT).
_FRAME_SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4


def packet_samples(packet_start: bytes) -> int:
    """Duration of a packet in samples at 48 kHz, from its first two bytes. RFC 6716, 3.1."""
    if not packet_start:
        raise MalformedMedia("an empty Opus packet")
    frame = _FRAME_SAMPLES[packet_start[0] >> 3]
    code = packet_start[0] & 3
    if code == 3:
        if len(packet_start) < 2:
            raise MalformedMedia("an Opus packet of one byte that should count its frames")
        return frame * (packet_start[1] & 0x3F)
    return frame * (1 if code == 0 else 2)


def with_packet(config: CodecConfig, packet_start: bytes) -> CodecConfig:
    """The configuration with frame length and roll distance taken from a packet's first bytes."""
    frame = packet_samples(packet_start)
    if not frame:
        raise MalformedMedia("an Opus packet without frames")
    return replace(config, frame_ticks=frame, roll_distance=-SEEK_PREROLL // frame)


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `Opus` entry; `with_packet` then settles the length of a frame."""
    return from_dops(config_box(entry, OpusSpecificBox))


def from_dops(dops: OpusSpecificBox) -> CodecConfig:
    """Configuration from the box that is written; MalformedMedia for no channels."""
    if not dops.channel_count:
        raise MalformedMedia("the channel count is 0", path="stsd/Opus/dOps")
    return CodecConfig(
        codec=Codec.OPUS,
        codecs="Opus",
        sample_entry="Opus",
        config_box=dops.encode(),
        timescale=RATE_HZ,
        sample_rate_hz=RATE_HZ,
        channels=dops.channel_count,
        bit_depth=None,
        frame_ticks=960,
        channel_configuration=_layout(dops),
    )


def _layout(dops: OpusSpecificBox) -> int | None:
    """Families 0 and 1 fix what each channel is; ambisonics and "undefined" do not."""
    if dops.mapping_family > 1:
        return None
    return layouts.OPUS_FAMILY_1.get(dops.channel_count)

"""FLAC: the STREAMINFO block. RFC 9639, 8.2."""

from __future__ import annotations

from dataclasses import dataclass

from packager.boxes.entries import AudioSampleEntry, FlacSpecificBox
from packager.bytestream import BitReader
from packager.codecs import layouts
from packager.codecs.entry import config_box
from packager.errors import MalformedMedia
from packager.model import Codec, CodecConfig

_STREAMINFO = 0  # block type
_SIZE = 34  # bytes
_PATH = "dfLa/STREAMINFO"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a FLAC stream says of itself."""

    min_block: int  # samples
    max_block: int  # samples
    sample_rate_hz: int
    channels: int
    bit_depth: int
    samples: int  # per channel; 0: not known
    md5: bytes  # of the decoded samples, little-endian, interleaved; zeros: not known


def parse(data: bytes) -> StreamInfo:
    """Read the 34 bytes; MalformedMedia where they cannot be right."""
    if len(data) != _SIZE:
        raise MalformedMedia(f"is {len(data)} bytes long, not {_SIZE}", path=_PATH)
    bits = BitReader(data[:18], path=_PATH)
    min_block, max_block = bits.bits(16), bits.bits(16)
    bits.bits(48)  # frame sizes in bytes
    rate, channels, depth = bits.bits(20), bits.bits(3) + 1, bits.bits(5) + 1
    samples = bits.bits(36)
    if rate == 0 or max_block < 16 or min_block > max_block:
        raise MalformedMedia("sampling rate or block size is out of range", path=_PATH)
    return StreamInfo(min_block, max_block, rate, channels, depth, samples, data[18:])


def streaminfo(box: FlacSpecificBox) -> StreamInfo:
    """The first metadata block of a `dfLa`."""
    if not box.blocks or box.blocks[0][0] != _STREAMINFO:
        raise MalformedMedia("does not begin with STREAMINFO", path="dfLa")
    return parse(box.blocks[0][1])


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `fLaC` entry; other metadata (tags, pictures) is left behind."""
    return from_dfla(config_box(entry, FlacSpecificBox))


def from_dfla(dfla: FlacSpecificBox) -> CodecConfig:
    """Configuration from a `dfLa` or from what a native FLAC file begins with."""
    info = streaminfo(dfla)
    return CodecConfig(
        codec=Codec.FLAC,
        codecs="fLaC",
        sample_entry="fLaC",
        config_box=FlacSpecificBox(((_STREAMINFO, _playable(dfla.blocks[0][1])),)).encode(),
        timescale=info.sample_rate_hz,
        sample_rate_hz=info.sample_rate_hz,
        channels=info.channels,
        bit_depth=info.bit_depth,
        frame_ticks=info.max_block,
        channel_configuration=layouts.FLAC.get(info.channels),
    )


def _playable(data: bytes) -> bytes:
    """STREAMINFO with a smallest block of 16 samples at least, as RFC 9639, 8.2 has it.

    Core Audio refuses the whole track otherwise, and writers that count the last block break it.
    """
    return max(int.from_bytes(data[:2], "big"), 16).to_bytes(2, "big") + data[2:]

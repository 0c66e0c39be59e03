"""AAC: the AudioSpecificConfig. ISO/IEC 14496-3:2019, 1.6.2.1."""

from __future__ import annotations

from dataclasses import dataclass, replace

from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox
from packager.bytestream import BitReader
from packager.codecs.entry import config_box
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec, CodecConfig

_PATH = "esds/AudioSpecificConfig"
_MPEG4_AUDIO = 0x40  # objectTypeIndication
_LC, _SBR, _PS = 2, 5, 29  # audio object types
_ESCAPED_RATE = 15
# samplingFrequencyIndex, 14496-3 table 1.18
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)  # channelConfiguration, table 1.19
_FRAME = 1024  # samples at the core rate


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """What the first bits of the decoder configuration say."""

    object_type: int  # 2 AAC-LC, 5 HE-AAC, 29 HE-AAC v2, as signalled explicitly
    core_rate_hz: int
    output_rate_hz: int  # twice the core rate under SBR
    channels: int  # decoded: parametric stereo makes two of one
    frame_length: int  # samples at the core rate: 1024, or 960 where the flag is set


def parse(data: bytes) -> AudioSpecificConfig:
    """Read the configuration; MalformedMedia, or UnsupportedMedia for other object types."""
    bits = BitReader(data, path=_PATH)
    object_type = _object_type(bits)
    core_rate = _rate(bits)
    channel_index = bits.bits(4)
    output_rate = core_rate
    coded_type = object_type
    if object_type in {_SBR, _PS}:
        output_rate = _rate(bits)
        coded_type = _object_type(bits)
    if coded_type != _LC:
        raise UnsupportedMedia(f"AAC of audio object type {coded_type} cannot be packaged")
    if not 0 < channel_index < len(_CHANNELS):
        raise UnsupportedMedia(f"AAC channel configuration {channel_index} cannot be packaged")
    channels = 2 if object_type == _PS else _CHANNELS[channel_index]
    frame = 960 if bits.bits(1) else _FRAME
    return AudioSpecificConfig(object_type, core_rate, output_rate, channels, frame)


def _object_type(bits: BitReader) -> int:
    value = bits.bits(5)
    return 32 + bits.bits(6) if value == 31 else value  # GetAudioObjectType()


def _rate(bits: BitReader) -> int:
    index = bits.bits(4)
    if index == _ESCAPED_RATE:
        return bits.bits(24)
    if index >= len(_RATES):
        raise MalformedMedia(f"sampling frequency index {index} is reserved", path=_PATH)
    return _RATES[index]


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `mp4a` entry. The timescale is the rate of the decoded signal."""
    esds = config_box(entry, ElementaryStreamBox)
    if esds.object_type != _MPEG4_AUDIO:
        raise UnsupportedMedia(f"mp4a with object type {esds.object_type:#x} is not MPEG-4 audio")
    asc = parse(esds.decoder_specific)
    if not asc.core_rate_hz:
        raise MalformedMedia("the sampling frequency is 0", path=_PATH)
    return CodecConfig(
        codec=Codec.AAC,
        codecs=f"mp4a.40.{asc.object_type}",
        sample_entry="mp4a",
        config_box=replace(esds, es_id=0).encode(),  # 14496-14, 4.1.2: 0 inside a file
        timescale=asc.output_rate_hz,
        sample_rate_hz=asc.output_rate_hz,
        channels=asc.channels,
        bit_depth=None,
        frame_ticks=asc.frame_length * asc.output_rate_hz // asc.core_rate_hz,
    )

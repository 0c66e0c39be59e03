"""AAC: the AudioSpecificConfig. ISO/IEC 14496-3:2019, 1.6.2.1."""

from __future__ import annotations

from dataclasses import dataclass, replace

from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox
from packager.bytestream import BitReader, pack_bits
from packager.codecs.entry import config_box
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec, CodecConfig

MPEG4_AUDIO = 0x40  # objectTypeIndication, ISO/IEC 14496-1, table 5

_PATH = "esds/AudioSpecificConfig"
LC, SBR, PS = 2, 5, 29  # audio object types
_ESCAPED_RATE = 15
# samplingFrequencyIndex, 14496-3 table 1.18
RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
# channelConfiguration -> channels, table 1.19; the numbers are those of ISO/IEC 23091-3.
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8}
# A program_config_element's (front, side, back, LFE) channels -> ChannelConfiguration.
_LAYOUTS = {
    (1, 0, 0, 0): 1,
    (2, 0, 0, 0): 2,
    (3, 0, 0, 0): 3,
    (3, 0, 1, 0): 4,
    (3, 0, 2, 0): 5,
    (3, 2, 0, 0): 5,
    (3, 0, 2, 1): 6,
    (3, 2, 0, 1): 6,
    (5, 0, 2, 1): 7,
    (5, 2, 0, 1): 7,
    (2, 0, 1, 0): 9,
    (2, 0, 2, 0): 10,
    (2, 2, 0, 0): 10,
    (3, 2, 1, 1): 11,
    (3, 0, 3, 1): 11,
    (3, 2, 2, 1): 12,
    (3, 0, 4, 1): 12,
}
_FRAME = 1024  # samples at the core rate
_SYNC_SBR, _SYNC_PS = 0x2B7, 0x548  # syncExtensionType, 1.6.5.2


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """What the decoder configuration says, whichever way it signals SBR and PS."""

    object_type: int  # 2 AAC-LC, 5 HE-AAC, 29 HE-AAC v2
    core_rate_hz: int
    output_rate_hz: int  # twice the core rate under SBR, unless that is downsampled
    channels: int  # decoded: parametric stereo makes two of one
    frame_length: int  # samples at the core rate: 1024, or 960 where the flag is set
    channel_configuration: int | None  # ISO/IEC 23091-3; None: a layout that has no number
    is_silent_on_sbr: bool = False  # frames may have it all the same: implicit signaling, 1.6.6.3

    @property
    def frame_ticks(self) -> int:
        """Samples a frame decodes to, at the output rate."""
        return self.frame_length * self.output_rate_hz // self.core_rate_hz


def parse(data: bytes) -> AudioSpecificConfig:
    """Read the configuration; MalformedMedia, or UnsupportedMedia for other object types."""
    bits = BitReader(data, path=_PATH)
    object_type = _object_type(bits)
    core_rate = output_rate = _rate(bits)
    index = bits.bits(4)
    coded_type = object_type
    if object_type in {SBR, PS}:  # hierarchical signaling
        output_rate = _rate(bits)
        coded_type = _object_type(bits)
    if coded_type != LC:
        raise UnsupportedMedia(f"AAC of audio object type {coded_type} cannot be packaged")
    frame, channels, layout = _general_audio(bits, index)
    is_silent = False
    if object_type == LC:  # backward compatible signaling, after everything an LC decoder reads
        is_silent = bits.left < 16 or bits.bits(11) != _SYNC_SBR or _object_type(bits) != SBR
        if not is_silent:
            object_type, output_rate = _sync_extension(bits, core_rate)
    if not core_rate or output_rate not in {core_rate, 2 * core_rate}:
        raise MalformedMedia(f"a core at {core_rate} Hz under {output_rate} Hz", path=_PATH)
    if object_type == PS:
        if channels != 1:
            raise MalformedMedia(f"parametric stereo of {channels} channels", path=_PATH)
        channels = layout = 2
    return AudioSpecificConfig(
        object_type, core_rate, output_rate, channels, frame, layout, is_silent
    )


def _general_audio(bits: BitReader, index: int) -> tuple[int, int, int | None]:
    """GASpecificConfig, 4.4.1: (frame length, channels, ChannelConfiguration)."""
    frame = 960 if bits.bits(1) else _FRAME
    if bits.bits(1):  # dependsOnCoreCoder
        bits.bits(14)  # coreCoderDelay
    extension = bits.bits(1)
    if index == 0:
        channels, layout = _program_config(bits)
    elif index in _CHANNELS:
        channels, layout = _CHANNELS[index], index
    else:
        raise UnsupportedMedia(f"AAC channel configuration {index} cannot be packaged")
    if extension:
        bits.bits(1)  # extensionFlag3
    return frame, channels, layout


def _program_config(bits: BitReader) -> tuple[int, int | None]:
    """program_config_element, 4.5.2.1: channels, and the layout's number if it has one."""
    bits.bits(4 + 2 + 4)  # tag, object type, rate index
    counts = [bits.bits(4) for _ in range(3)]  # front, side, back elements
    lfe, data, coupled = bits.bits(2), bits.bits(3), bits.bits(4)
    for width in (4, 4, 3):  # mono and stereo mixdowns, matrix
        if bits.bits(1):
            bits.bits(width)
    groups = [sum(1 + (bits.bits(5) >> 4) for _ in range(count)) for count in counts]
    bits.bits(4 * lfe + 4 * data + 5 * coupled)
    bits.align()
    bits.bits(8 * bits.bits(8))  # comment_field_data
    channels = sum(groups) + lfe
    if not channels:
        raise MalformedMedia("a program of no channels", path=_PATH)
    front, side, back = groups
    return channels, _LAYOUTS.get((front, side, back, lfe))


def _sync_extension(bits: BitReader, core_rate: int) -> tuple[int, int]:
    """SBR and PS as an LC decoder does not see them, 1.6.6.2: (object type, output rate)."""
    if not bits.bits(1):  # sbrPresentFlag
        return LC, core_rate
    rate = _rate(bits)
    stereo = bits.left >= 12 and bits.bits(11) == _SYNC_PS and bits.bits(1)
    return PS if stereo else SBR, rate


def _object_type(bits: BitReader) -> int:
    value = bits.bits(5)
    return 32 + bits.bits(6) if value == 31 else value  # GetAudioObjectType()


def _rate(bits: BitReader) -> int:
    index = bits.bits(4)
    if index == _ESCAPED_RATE:
        return bits.bits(24)
    if index >= len(RATES):
        raise MalformedMedia(f"sampling frequency index {index} is reserved", path=_PATH)
    return RATES[index]


def lc_specific_config(rate_index: int, channel_index: int) -> bytes:
    """The AudioSpecificConfig of AAC-LC in frames of 1024 samples."""
    return pack_bits((LC, 5), (rate_index, 4), (channel_index, 4), (0, 3))


def signaled(specific: bytes, object_type: int) -> bytes:
    """A configuration of AAC-LC that is silent on SBR, with what its frames have. 1.6.6.2.

    It stands where an LC decoder does not look. UnsupportedMedia where twice the rate of the core
    has no index.
    """
    bits = BitReader(specific, path=_PATH)
    _object_type(bits)
    rate = 2 * _rate(bits)
    _general_audio(bits, bits.bits(4))
    if rate not in RATES:
        raise UnsupportedMedia(f"spectral band replication up to {rate} Hz")
    core = (bits.value >> bits.left, len(specific) * 8 - bits.left)
    stereo = ((_SYNC_PS, 11), (1, 1)) if object_type == PS else ()
    return pack_bits(core, (_SYNC_SBR, 11), (SBR, 5), (1, 1), (RATES.index(rate), 4), *stereo)


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `mp4a` entry. The timescale is the rate of the decoded signal."""
    esds = config_box(entry, ElementaryStreamBox)
    if esds.object_type != MPEG4_AUDIO:
        raise UnsupportedMedia(f"mp4a with object type {esds.object_type:#x} is not MPEG-4 audio")
    return from_esds(esds)


def from_esds(esds: ElementaryStreamBox) -> CodecConfig:
    """Configuration from the descriptors, whose ES_ID is cleared and lengths are short."""
    asc = parse(esds.decoder_specific)
    return CodecConfig(
        codec=Codec.AAC,
        codecs=f"mp4a.40.{asc.object_type}",
        sample_entry="mp4a",
        config_box=replace(
            esds, es_id=0, padded=False
        ).encode(),  # 14496-14, 4.1.2: 0 inside a file
        timescale=asc.output_rate_hz,
        sample_rate_hz=asc.output_rate_hz,
        channels=asc.channels,
        bit_depth=None,
        frame_ticks=asc.frame_ticks,
        roll_distance=-1,  # half of a frame is the one before it (MDCT). 14496-12, 10.1
        channel_configuration=asc.channel_configuration,
    )

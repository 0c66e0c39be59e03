"""Sample entries of audio tracks, and the boxes in them that set up a decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import Box, FullBox, read_box, read_boxes, register
from packager.bytestream import ByteReader, ByteWriter

AUDIO_ENTRIES = (b"mp4a", b"Opus", b"fLaC", b"alac", b"ac-3", b"ec-3", b"enca")

_ES, _DECODER_CONFIG, _DECODER_SPECIFIC, _SL_CONFIG = 3, 4, 5, 6  # ISO/IEC 14496-1, 7.2.2.1
_PADDED = 4  # digits of a length: no more are allowed
_AUDIO_STREAM = 5  # streamType, ISO/IEC 14496-1, 7.2.6.6.2


@register()
@dataclass(frozen=True, slots=True)
class SampleDescriptionBox(FullBox):
    """`stsd`, Sample Description Box. ISO/IEC 14496-12:2022, 8.5.2."""

    four_cc: ClassVar[bytes] = b"stsd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    entries: tuple[Box, ...]

    def write_fields(self, writer: ByteWriter) -> None:
        """A count and the entries."""
        writer.uint(len(self.entries), 4)
        for entry in self.entries:
            writer.data(entry.encode())

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The count must be right."""
        count = reader.uint(4)
        entries = []
        while reader.remaining:
            entries.append(read_box(reader, _ENTRIES))
        if len(entries) != count:
            raise reader.fail(f"{count} entries announced, {len(entries)} found")
        return cls(tuple(entries))


@dataclass(frozen=True, slots=True)
class AudioSampleEntry(Box):
    """`mp4a`, `Opus`, `fLaC`, ..., `enca`: AudioSampleEntry. ISO/IEC 14496-12:2022, 12.2.3."""

    kind: bytes
    channel_count: int
    sample_size: int  # bits; 16 unless the coding says otherwise
    sample_rate: int  # Hz as 16.16 fixed point
    children: tuple[Box, ...]
    data_reference_index: int = 1

    @property
    def code(self) -> bytes:
        """Which coding, or `enca`."""
        return self.kind

    def write_body(self, writer: ByteWriter) -> None:
        """Version 0, as ISO files have it."""
        writer.zeros(6)
        writer.uint(self.data_reference_index, 2)
        writer.zeros(8)
        writer.uint(self.channel_count, 2)
        writer.uint(self.sample_size, 2)
        writer.zeros(4)
        writer.uint(self.sample_rate, 4)
        for child in self.children:
            writer.data(child.encode())

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """QuickTime's versions 1 and 2 are refused."""
        reader.take(6)
        reference = reader.uint(2)
        if version := reader.uint(2):
            raise reader.fail(f"a QuickTime sound description of version {version}")
        reader.take(6)
        channels = reader.uint(2)
        sample_size = reader.uint(2)
        reader.take(4)
        rate = reader.uint(4)
        children = tuple(read_boxes(reader))
        return cls(reader.code, channels, sample_size, rate, children, reference)


# Apart from the registry: an `alac` entry holds a box that is called `alac` as well.
_ENTRIES: dict[bytes, type[Box]] = dict.fromkeys(AUDIO_ENTRIES, AudioSampleEntry)


def _descriptor(tag: int, body: bytes, least: int = 1) -> bytes:
    """Tag, expandable length of at least so many digits, body. ISO/IEC 14496-1, 8.3.3."""
    length = len(body)
    digits = [length & 0x7F]
    while (length := length >> 7) or len(digits) < least:
        digits.append(length & 0x7F | 0x80)
    return bytes((tag, *reversed(digits))) + body


def _read_descriptor(reader: ByteReader) -> tuple[int, ByteReader]:
    tag = reader.uint(1)
    length = 0
    for _ in range(4):
        digit = reader.uint(1)
        length = length << 7 | digit & 0x7F
        if not digit & 0x80:
            break
    return tag, reader.inner(length, name=f"descriptor {tag}")


@register()
@dataclass(frozen=True, slots=True)
class ElementaryStreamBox(FullBox):
    """`esds`, ES Descriptor Box. ISO/IEC 14496-14:2020, 6.7.2; descriptors of 14496-1, 7.2.6."""

    four_cc: ClassVar[bytes] = b"esds"

    object_type: int  # objectTypeIndication: 0x40 is MPEG-4 audio
    buffer_size: int  # bytes
    max_bitrate: int  # bits per second
    average_bitrate: int  # bits per second
    decoder_specific: bytes  # for 0x40 the AudioSpecificConfig
    es_id: int = 0
    padded: bool = False  # lengths are written in four digits, as ffmpeg and Apple do

    def write_fields(self, writer: ByteWriter) -> None:
        """ES, DecoderConfig, DecoderSpecificInfo and the one SLConfig that MP4 allows (2)."""
        config = ByteWriter()
        config.uint(self.object_type, 1)
        config.uint(_AUDIO_STREAM << 2 | 1, 1)  # upStream 0, reserved 1
        config.uint(self.buffer_size, 3)
        config.uint(self.max_bitrate, 4)
        config.uint(self.average_bitrate, 4)
        least = _PADDED if self.padded else 1
        config.data(_descriptor(_DECODER_SPECIFIC, self.decoder_specific, least))
        body = self.es_id.to_bytes(2, "big") + b"\x00"
        body += _descriptor(_DECODER_CONFIG, bytes(config), least)
        body += _descriptor(_SL_CONFIG, b"\x02", least)
        writer.data(_descriptor(_ES, body, least))

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Descriptors other than the four are passed over."""
        first = bytes(reader.view[reader.position + 1 : reader.position + _PADDED])
        padded = first == b"\x80" * (_PADDED - 1)
        tag, es = _read_descriptor(reader)
        if tag != _ES:
            raise reader.fail("does not begin with an ES descriptor")
        es_id = es.uint(2)
        optional = es.uint(1)
        if optional & 0xE0:
            raise es.fail("an ES descriptor that depends on something outside the file")
        while es.remaining:
            tag, inner = _read_descriptor(es)
            if tag == _DECODER_CONFIG:
                return cls(*cls._read_config(inner), es_id, padded)
        raise reader.fail("has no decoder configuration")

    @staticmethod
    def _read_config(reader: ByteReader) -> tuple[int, int, int, int, bytes]:
        object_type = reader.uint(1)
        reader.take(1)
        buffer_size = reader.uint(3)
        max_bitrate = reader.uint(4)
        average_bitrate = reader.uint(4)
        specific = b""
        while reader.remaining:
            tag, inner = _read_descriptor(reader)
            if tag == _DECODER_SPECIFIC:
                specific = inner.rest()
        return object_type, buffer_size, max_bitrate, average_bitrate, specific


@register()
@dataclass(frozen=True, slots=True)
class OpusSpecificBox(Box):
    """`dOps`, Opus Specific Box. Encapsulation of Opus in ISO BMFF 0.8.1, 4.3.2."""

    four_cc: ClassVar[bytes] = b"dOps"

    channel_count: int
    pre_skip: int  # samples at 48 kHz that a player drops at the start
    input_sample_rate: int  # Hz, of what was encoded; information only
    output_gain: int  # Q7.8 dB, signed
    mapping_family: int = 0
    mapping: bytes = b""  # StreamCount, CoupledCount, ChannelMapping when the family is not 0

    def write_body(self, writer: ByteWriter) -> None:
        """Version 0, big-endian (an Ogg header is little-endian)."""
        writer.uint(0, 1)
        writer.uint(self.channel_count, 1)
        writer.uint(self.pre_skip, 2)
        writer.uint(self.input_sample_rate, 4)
        writer.sint(self.output_gain, 2)
        writer.uint(self.mapping_family, 1)
        writer.data(self.mapping)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """A mapping table is there unless the family is 0."""
        if version := reader.uint(1):
            raise reader.fail(f"version {version} is not known")
        channels = reader.uint(1)
        pre_skip = reader.uint(2)
        rate = reader.uint(4)
        gain = reader.sint(2)
        family = reader.uint(1)
        mapping = reader.data(2 + channels) if family else b""
        return cls(channels, pre_skip, rate, gain, family, mapping)


@register()
@dataclass(frozen=True, slots=True)
class FlacSpecificBox(FullBox):
    """`dfLa`, FLAC Specific Box. Encapsulation of FLAC in ISO BMFF 0.0.4, 3.3.2."""

    four_cc: ClassVar[bytes] = b"dfLa"

    blocks: tuple[tuple[int, bytes], ...]  # (BlockType, BlockData); the first is STREAMINFO

    def write_fields(self, writer: ByteWriter) -> None:
        """Metadata blocks as in a FLAC file (RFC 9639, 8); the last one is marked."""
        for number, (kind, data) in enumerate(self.blocks, 1):
            writer.uint((number == len(self.blocks)) << 7 | kind, 1)
            writer.uint(len(data), 3)
            writer.data(data)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Up to the block that is marked as last."""
        blocks = []
        last = False
        while not last:
            head = reader.uint(1)
            last = bool(head & 0x80)
            blocks.append((head & 0x7F, reader.data(reader.uint(3))))
        return cls(tuple(blocks))

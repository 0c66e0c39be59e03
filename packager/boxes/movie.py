"""Boxes that describe a movie, its tracks and how they are presented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import FullBox, register
from packager.bytestream import ByteReader, ByteWriter

_MATRIX = bytes.fromhex(  # unity, ISO/IEC 14496-12:2022, 8.2.2.2
    "00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000"
)


def _time_width(version: int) -> int:
    return 8 if version == 1 else 4


@register()
@dataclass(frozen=True, slots=True)
class MovieHeaderBox(FullBox):
    """`mvhd`, Movie Header Box. ISO/IEC 14496-12:2022, 8.2.2. Dates are always written as 0."""

    four_cc: ClassVar[bytes] = b"mvhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    timescale: int  # ticks per second of the presentation
    duration: int  # ticks; 0 in a CMAF header
    next_track_id: int

    @property
    def version(self) -> int:
        """1 only for durations beyond 32 bits."""
        return int(self.duration >> 32 > 0)

    def write_fields(self, writer: ByteWriter) -> None:
        """Rate 1.0, volume 1.0, unity matrix."""
        width = _time_width(self.version)
        writer.zeros(2 * width)  # creation_time, modification_time
        writer.uint(self.timescale, 4)
        writer.uint(self.duration, width)
        writer.uint(0x00010000, 4)  # rate
        writer.uint(0x0100, 2)  # volume
        writer.zeros(10)
        writer.data(_MATRIX)
        writer.zeros(24)  # pre_defined
        writer.uint(self.next_track_id, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Dates, rate, volume and matrix are passed over."""
        width = _time_width(reader.version)
        reader.take(2 * width)
        timescale = reader.uint(4)
        duration = reader.uint(width)
        reader.take(4 + 2 + 10 + 36 + 24)
        return cls(timescale, duration, reader.uint(4))


@register()
@dataclass(frozen=True, slots=True)
class TrackHeaderBox(FullBox):
    """`tkhd`, Track Header Box. ISO/IEC 14496-12:2022, 8.3.2, as an audio track has it."""

    four_cc: ClassVar[bytes] = b"tkhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    track_id: int
    duration: int  # ticks of the movie timescale; 0 in a CMAF header

    @property
    def version(self) -> int:
        """1 only for durations beyond 32 bits."""
        return int(self.duration >> 32 > 0)

    @property
    def flags(self) -> int:
        """Enabled, in movie, in preview."""
        return 7

    def write_fields(self, writer: ByteWriter) -> None:
        """Volume 1.0, no width and height: audio."""
        width = _time_width(self.version)
        writer.zeros(2 * width)
        writer.uint(self.track_id, 4)
        writer.zeros(4)
        writer.uint(self.duration, width)
        writer.zeros(8 + 2 + 2)  # reserved, layer, alternate_group
        writer.uint(0x0100, 2)  # volume
        writer.zeros(2)
        writer.data(_MATRIX)
        writer.zeros(8)  # width, height

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Dates, volume, matrix and picture size are passed over."""
        width = _time_width(reader.version)
        reader.take(2 * width)
        track_id = reader.uint(4)
        reader.take(4)
        duration = reader.uint(width)
        reader.take(8 + 8 + 36 + 8)
        return cls(track_id, duration)


@register()
@dataclass(frozen=True, slots=True)
class MediaHeaderBox(FullBox):
    """`mdhd`, Media Header Box. ISO/IEC 14496-12:2022, 8.4.2."""

    four_cc: ClassVar[bytes] = b"mdhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    timescale: int  # ticks per second of the media
    duration: int  # ticks; 0 in a CMAF header
    language: str = "und"  # ISO 639-2/T, three letters

    @property
    def version(self) -> int:
        """1 only for durations beyond 32 bits."""
        return int(self.duration >> 32 > 0)

    def write_fields(self, writer: ByteWriter) -> None:
        """The language in five bits a letter."""
        width = _time_width(self.version)
        writer.zeros(2 * width)
        writer.uint(self.timescale, 4)
        writer.uint(self.duration, width)
        packed = 0
        for letter in self.language:
            packed = packed << 5 | ord(letter) - 0x60
        writer.uint(packed, 2)
        writer.zeros(2)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """A language code outside the alphabet (QuickTime's numbers) reads as "und"."""
        width = _time_width(reader.version)
        reader.take(2 * width)
        timescale = reader.uint(4)
        duration = reader.uint(width)
        packed = reader.uint(2)
        reader.take(2)
        language = "".join(chr((packed >> shift & 31) + 0x60) for shift in (10, 5, 0))
        return cls(timescale, duration, language if language.isalpha() else "und")


@register()
@dataclass(frozen=True, slots=True)
class HandlerBox(FullBox):
    """`hdlr`, Handler Reference Box. ISO/IEC 14496-12:2022, 8.4.3."""

    four_cc: ClassVar[bytes] = b"hdlr"

    handler_type: bytes  # soun, vide, text, ...
    name: bytes = b""  # UTF-8 with its terminating zero, kept as read

    def write_fields(self, writer: ByteWriter) -> None:
        """Pre-defined, type, reserved, name."""
        writer.zeros(4)
        writer.data(self.handler_type)
        writer.zeros(12)
        writer.data(self.name)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """QuickTime's component fields are passed over."""
        reader.take(4)
        handler_type = reader.four_cc()
        reader.take(12)
        return cls(handler_type, reader.rest())


@register()
@dataclass(frozen=True, slots=True)
class SoundHeaderBox(FullBox):
    """`smhd`, Sound Media Header Box. ISO/IEC 14496-12:2022, 12.2.2."""

    four_cc: ClassVar[bytes] = b"smhd"

    def write_fields(self, writer: ByteWriter) -> None:
        """Balance centre."""
        writer.zeros(4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Balance is passed over."""
        reader.take(4)
        return cls()


@register()
@dataclass(frozen=True, slots=True)
class DataReferenceBox(FullBox):
    """`dref`, Data Reference Box, with the one entry "in this same file" (`url `, flag 1).

    ISO/IEC 14496-12:2022, 8.7.2. Other references are refused: packaging never follows one.
    """

    four_cc: ClassVar[bytes] = b"dref"

    def write_fields(self, writer: ByteWriter) -> None:
        """One self-contained entry."""
        writer.uint(1, 4)
        writer.data(b"\x00\x00\x00\x0curl \x00\x00\x00\x01")

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Only self-contained entries."""
        for _ in range(reader.uint(4)):
            size = reader.uint(4)
            kind = reader.four_cc()
            body = reader.data(size - 8)
            if kind not in {b"url ", b"alis"} or not body[3:4] == b"\x01":
                raise reader.fail("samples in another file")
        return cls()


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list."""

    duration: int  # ticks of the movie timescale; 0: to the end (fragmented files)
    media_time: int  # ticks of the media timescale; -1: an empty edit


@register()
@dataclass(frozen=True, slots=True)
class EditListBox(FullBox):
    """`elst`, Edit List Box. ISO/IEC 14496-12:2022, 8.6.6. Rate is always 1."""

    four_cc: ClassVar[bytes] = b"elst"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    edits: tuple[Edit, ...]

    @property
    def version(self) -> int:
        """1 only for values beyond 31 bits."""
        return int(any(edit.duration >> 32 or edit.media_time >> 31 > 0 for edit in self.edits))

    def write_fields(self, writer: ByteWriter) -> None:
        """Duration, media time, rate 1.0."""
        width = _time_width(self.version)
        writer.uint(len(self.edits), 4)
        for edit in self.edits:
            writer.uint(edit.duration, width)
            writer.sint(edit.media_time, width)
            writer.uint(0x00010000, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Rates other than 1 are refused: nothing here can play faster."""
        width = _time_width(reader.version)
        count = reader.uint(4)
        if count * (2 * width + 4) > reader.remaining:
            raise reader.fail(f"{count} edits do not fit")
        edits = []
        for _ in range(count):
            edits.append(Edit(reader.uint(width), reader.sint(width)))
            if reader.uint(4) != 0x00010000:
                raise reader.fail("an edit changes the playback rate")
        return cls(tuple(edits))


@register()
@dataclass(frozen=True, slots=True)
class TrackExtendsBox(FullBox):
    """`trex`, Track Extends Box. ISO/IEC 14496-12:2022, 8.8.3."""

    four_cc: ClassVar[bytes] = b"trex"

    track_id: int
    default_sample_duration: int  # ticks
    default_sample_size: int = 0  # bytes
    default_sample_flags: int = 0
    default_sample_description_index: int = 1

    def write_fields(self, writer: ByteWriter) -> None:
        """Five words."""
        writer.uint(self.track_id, 4)
        writer.uint(self.default_sample_description_index, 4)
        writer.uint(self.default_sample_duration, 4)
        writer.uint(self.default_sample_size, 4)
        writer.uint(self.default_sample_flags, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Five words."""
        track_id, description, duration, size, sample_flags = reader.column(5, 4)
        return cls(track_id, duration, size, sample_flags, description)

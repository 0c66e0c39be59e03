"""Boxes that describe a movie, its tracks and how they are presented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import FullBox, register
from packager.bytestream import ByteReader, ByteWriter

MATRIX = bytes.fromhex(  # unity, ISO/IEC 14496-12:2022, 8.2.2.2
    "00010000 00000000 00000000 00000000 00010000 00000000 00000000 00000000 40000000"
)


def _time_width(version: int) -> int:
    return 8 if version == 1 else 4


@dataclass(frozen=True, slots=True)
class Dates:
    """When something was made and changed, in seconds since 1904-01-01 UTC; 0 is written by us."""

    created: int = 0
    modified: int = 0


UNDATED = Dates()


def _needs_64_bits(duration: int, dates: Dates) -> bool:
    return max(duration, dates.created, dates.modified) >> 32 > 0


@register()
@dataclass(frozen=True, slots=True)
class MovieHeaderBox(FullBox):
    """`mvhd`, Movie Header Box. ISO/IEC 14496-12:2022, 8.2.2."""

    four_cc: ClassVar[bytes] = b"mvhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    timescale: int  # ticks per second of the presentation
    duration: int  # ticks; 0 in a CMAF header
    next_track_id: int
    dates: Dates = UNDATED
    rate: int = 0x00010000  # 16.16
    volume: int = 0x0100  # 8.8
    matrix: bytes = MATRIX
    wide: bool = False  # 64-bit times where 32 bits would do

    @property
    def version(self) -> int:
        """1 for times of 64 bits."""
        return int(self.wide or _needs_64_bits(self.duration, self.dates))

    def write_fields(self, writer: ByteWriter) -> None:
        """Reserved fields are 0."""
        width = _time_width(self.version)
        writer.uint(self.dates.created, width)
        writer.uint(self.dates.modified, width)
        writer.uint(self.timescale, 4)
        writer.uint(self.duration, width)
        writer.uint(self.rate, 4)
        writer.uint(self.volume, 2)
        writer.zeros(10)
        writer.data(self.matrix)
        writer.zeros(24)  # pre_defined
        writer.uint(self.next_track_id, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """QuickTime's preview and selection times, which are reserved here, are passed over."""
        width = _time_width(reader.version)
        dates = Dates(reader.uint(width), reader.uint(width))
        timescale = reader.uint(4)
        duration = reader.uint(width)
        rate = reader.uint(4)
        volume = reader.uint(2)
        reader.take(10)
        matrix = reader.data(len(MATRIX))
        reader.take(24)
        wide = reader.version == 1 and not _needs_64_bits(duration, dates)
        return cls(timescale, duration, reader.uint(4), dates, rate, volume, matrix, wide)


@register()
@dataclass(frozen=True, slots=True)
class TrackHeaderBox(FullBox):
    """`tkhd`, Track Header Box. ISO/IEC 14496-12:2022, 8.3.2; the defaults are an audio track's."""

    four_cc: ClassVar[bytes] = b"tkhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    track_id: int
    duration: int  # ticks of the movie timescale; 0 in a CMAF header
    dates: Dates = UNDATED
    track_flags: int = 7  # enabled, in movie, in preview
    layer: int = 0
    alternate_group: int = 0
    volume: int = 0x0100  # 8.8
    matrix: bytes = MATRIX
    picture_size: tuple[int, int] = (0, 0)  # width and height, 16.16
    wide: bool = False  # 64-bit times where 32 bits would do

    @property
    def version(self) -> int:
        """1 for times of 64 bits."""
        return int(self.wide or _needs_64_bits(self.duration, self.dates))

    @property
    def flags(self) -> int:
        """What the track is used for."""
        return self.track_flags

    def write_fields(self, writer: ByteWriter) -> None:
        """Reserved fields are 0."""
        width = _time_width(self.version)
        writer.uint(self.dates.created, width)
        writer.uint(self.dates.modified, width)
        writer.uint(self.track_id, 4)
        writer.zeros(4)
        writer.uint(self.duration, width)
        writer.zeros(8)
        writer.sint(self.layer, 2)
        writer.sint(self.alternate_group, 2)
        writer.uint(self.volume, 2)
        writer.zeros(2)
        writer.data(self.matrix)
        writer.uint(self.picture_size[0], 4)
        writer.uint(self.picture_size[1], 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Both versions."""
        width = _time_width(reader.version)
        dates = Dates(reader.uint(width), reader.uint(width))
        track_id = reader.uint(4)
        reader.take(4)
        duration = reader.uint(width)
        reader.take(8)
        layer = reader.sint(2)
        group = reader.sint(2)
        volume = reader.uint(2)
        reader.take(2)
        matrix = reader.data(len(MATRIX))
        size = (reader.uint(4), reader.uint(4))
        wide = reader.version == 1 and not _needs_64_bits(duration, dates)
        return cls(
            track_id, duration, dates, reader.flags, layer, group, volume, matrix, size, wide
        )


@register()
@dataclass(frozen=True, slots=True)
class MediaHeaderBox(FullBox):
    """`mdhd`, Media Header Box. ISO/IEC 14496-12:2022, 8.4.2."""

    four_cc: ClassVar[bytes] = b"mdhd"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    timescale: int  # ticks per second of the media
    duration: int  # ticks; 0 in a CMAF header
    language: str = "und"  # ISO 639-2/T, three letters
    dates: Dates = UNDATED
    wide: bool = False  # 64-bit times where 32 bits would do

    @property
    def version(self) -> int:
        """1 for times of 64 bits."""
        return int(self.wide or _needs_64_bits(self.duration, self.dates))

    def write_fields(self, writer: ByteWriter) -> None:
        """The language in five bits a letter."""
        width = _time_width(self.version)
        writer.uint(self.dates.created, width)
        writer.uint(self.dates.modified, width)
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
        dates = Dates(reader.uint(width), reader.uint(width))
        timescale = reader.uint(4)
        duration = reader.uint(width)
        packed = reader.uint(2)
        reader.take(2)
        language = "".join(chr((packed >> shift & 31) + 0x60) for shift in (10, 5, 0))
        language = language if language.isalpha() else "und"
        wide = reader.version == 1 and not _needs_64_bits(duration, dates)
        return cls(timescale, duration, language, dates, wide)


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

    balance: int = 0  # 8.8: 0 is the center, 1.0 the right

    def write_fields(self, writer: ByteWriter) -> None:
        """Balance and two reserved bytes."""
        writer.sint(self.balance, 2)
        writer.zeros(2)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Balance and two reserved bytes."""
        balance = reader.sint(2)
        reader.take(2)
        return cls(balance)


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
    wide: bool = False  # 64-bit times where 32 bits would do

    @property
    def version(self) -> int:
        """1 for times of 64 bits."""
        return int(self.wide or _long_edits(self.edits))

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
        return cls(tuple(edits), reader.version == 1 and not _long_edits(edits))


def _long_edits(edits: Sequence[Edit]) -> bool:
    return any(edit.duration >> 32 or edit.media_time >> 31 > 0 for edit in edits)


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

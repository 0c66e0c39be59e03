"""Boxes of a movie fragment: mfhd, tfhd, tfdt, trun."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, Self

from packager.boxes.base import FullBox, register
from packager.bytestream import ByteReader, ByteWriter

DEFAULT_BASE_IS_MOOF = 0x020000  # ISO/IEC 14496-12:2022, 8.8.7.1
SYNC_SAMPLE = 0x02000000  # sample_depends_on = 2: a frame that needs no other (8.8.3.1)


@register()
@dataclass(frozen=True, slots=True)
class MovieFragmentHeaderBox(FullBox):
    """`mfhd`, Movie Fragment Header Box. ISO/IEC 14496-12:2022, 8.8.5."""

    four_cc: ClassVar[bytes] = b"mfhd"

    sequence_number: int  # from 1

    def write_fields(self, writer: ByteWriter) -> None:
        """One word."""
        writer.uint(self.sequence_number, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """One word."""
        return cls(reader.uint(4))


@register()
@dataclass(frozen=True, slots=True)
class TrackFragmentHeaderBox(FullBox):
    """`tfhd`, Track Fragment Header Box. ISO/IEC 14496-12:2022, 8.8.7."""

    four_cc: ClassVar[bytes] = b"tfhd"

    track_id: int
    base_data_offset: int | None = None  # bytes from the start of the file
    sample_description_index: int | None = None
    default_sample_duration: int | None = None  # ticks
    default_sample_size: int | None = None  # bytes
    default_sample_flags: int | None = None
    default_base_is_moof: bool = True
    duration_is_empty: bool = False

    @property
    def flags(self) -> int:
        """One bit for every optional field that is there."""
        return (
            (self.base_data_offset is not None) * 0x1
            | (self.sample_description_index is not None) * 0x2
            | (self.default_sample_duration is not None) * 0x8
            | (self.default_sample_size is not None) * 0x10
            | (self.default_sample_flags is not None) * 0x20
            | self.duration_is_empty * 0x010000
            | self.default_base_is_moof * DEFAULT_BASE_IS_MOOF
        )

    def write_fields(self, writer: ByteWriter) -> None:
        """The track, then what is there."""
        writer.uint(self.track_id, 4)
        if self.base_data_offset is not None:
            writer.uint(self.base_data_offset, 8)
        for value in (
            self.sample_description_index,
            self.default_sample_duration,
            self.default_sample_size,
            self.default_sample_flags,
        ):
            if value is not None:
                writer.uint(value, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The track, then what the flags announce."""
        return cls(
            reader.uint(4),
            reader.uint(8) if reader.flags & 0x1 else None,
            reader.uint(4) if reader.flags & 0x2 else None,
            reader.uint(4) if reader.flags & 0x8 else None,
            reader.uint(4) if reader.flags & 0x10 else None,
            reader.uint(4) if reader.flags & 0x20 else None,
            bool(reader.flags & DEFAULT_BASE_IS_MOOF),
            bool(reader.flags & 0x010000),
        )


@register()
@dataclass(frozen=True, slots=True)
class TrackFragmentDecodeTimeBox(FullBox):
    """`tfdt`, Track Fragment Base Media Decode Time Box. ISO/IEC 14496-12:2022, 8.8.12."""

    four_cc: ClassVar[bytes] = b"tfdt"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    base_media_decode_time: int  # ticks, priming included
    wide: bool = True  # 64 bits: what we write, as sizes must not depend on values

    @property
    def version(self) -> int:
        """1 for 64 bits."""
        return int(self.wide)

    def write_fields(self, writer: ByteWriter) -> None:
        """One time."""
        writer.uint(self.base_media_decode_time, 8 if self.wide else 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Both versions."""
        wide = reader.version == 1
        return cls(reader.uint(8 if wide else 4), wide)


@register()
@dataclass(frozen=True, slots=True)
class TrackRunBox(FullBox):
    """`trun`, Track Fragment Run Box. ISO/IEC 14496-12:2022, 8.8.8. One column a field."""

    four_cc: ClassVar[bytes] = b"trun"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    sample_count: int
    data_offset: int | None = None  # bytes from the start of the moof
    first_sample_flags: int | None = None
    durations: array[int] | None = None  # ticks
    sizes: array[int] | None = None  # bytes
    sample_flags: array[int] | None = None
    composition_offsets: array[int] | None = None  # ticks, as unsigned words
    signed_offsets: bool = False  # they are two's complements; audio has none

    @property
    def version(self) -> int:
        """1 makes composition offsets signed."""
        return int(self.signed_offsets)

    @property
    def flags(self) -> int:
        """One bit for every optional field that is there."""
        return (
            (self.data_offset is not None) * 0x1
            | (self.first_sample_flags is not None) * 0x4
            | (self.durations is not None) * 0x100
            | (self.sizes is not None) * 0x200
            | (self.sample_flags is not None) * 0x400
            | (self.composition_offsets is not None) * 0x800
        )

    @property
    def _columns(self) -> tuple[array[int], ...]:
        every = (self.durations, self.sizes, self.sample_flags, self.composition_offsets)
        return tuple(column for column in every if column is not None)

    def write_fields(self, writer: ByteWriter) -> None:
        """The columns are interleaved, sample by sample."""
        writer.uint(self.sample_count, 4)
        if self.data_offset is not None:
            writer.sint(self.data_offset, 4)
        if self.first_sample_flags is not None:
            writer.uint(self.first_sample_flags, 4)
        columns = self._columns
        rows = array("I", bytes(4 * self.sample_count * len(columns)))
        for at, column in enumerate(columns):
            if len(column) != self.sample_count:
                msg = f"a column of {len(column)} values for {self.sample_count} samples"
                raise ValueError(msg)
            rows[at :: len(columns)] = column
        writer.column(rows, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The columns that the flags announce."""
        count = reader.uint(4)
        data_offset = reader.sint(4) if reader.flags & 0x1 else None
        first_flags = reader.uint(4) if reader.flags & 0x4 else None
        present = [bool(reader.flags & bit) for bit in (0x100, 0x200, 0x400, 0x800)]
        width = sum(present)
        rows = reader.column(count * width, 4)
        at = accumulate(present, initial=0)
        durations, sizes, sample_flags, offsets = (
            rows[first::width] if here else None for first, here in zip(at, present, strict=False)
        )
        return cls(
            *(count, data_offset, first_flags, durations, sizes, sample_flags, offsets),
            signed_offsets=reader.version == 1,
        )

"""Boxes at the top of a file or a segment: ftyp, styp, sidx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import Box, FullBox, register
from packager.bytestream import ByteReader, ByteWriter


@dataclass(frozen=True, slots=True)
class _TypeBox(Box):
    """The fields that `ftyp` and `styp` share."""

    major_brand: bytes
    minor_version: int
    compatible_brands: tuple[bytes, ...]

    def write_body(self, writer: ByteWriter) -> None:
        """Brands as four-character codes."""
        writer.data(self.major_brand)
        writer.uint(self.minor_version, 4)
        for brand in self.compatible_brands:
            writer.data(brand)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Brands up to the end of the box."""
        major = reader.four_cc()
        minor = reader.uint(4)
        if reader.remaining % 4:
            raise reader.fail("compatible brands are not whole four-character codes")
        brands = tuple(reader.four_cc() for _ in range(reader.remaining // 4))
        return cls(major, minor, brands)


@register()
@dataclass(frozen=True, slots=True)
class FileTypeBox(_TypeBox):
    """`ftyp`, File Type Box. ISO/IEC 14496-12:2022, 4.3."""

    four_cc: ClassVar[bytes] = b"ftyp"


@register()
@dataclass(frozen=True, slots=True)
class SegmentTypeBox(_TypeBox):
    """`styp`, Segment Type Box. ISO/IEC 14496-12:2022, 8.16.2."""

    four_cc: ClassVar[bytes] = b"styp"


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a `sidx`."""

    size: int  # bytes of the referenced subsegment, 31 bits
    duration: int  # ticks of the sidx timescale, presentation time
    to_index: bool = False  # refers to another sidx instead of media
    starts_with_sap: bool = True
    sap_type: int = 1
    sap_delta: int = 0  # ticks


@register()
@dataclass(frozen=True, slots=True)
class SegmentIndexBox(FullBox):
    """`sidx`, Segment Index Box. ISO/IEC 14496-12:2022, 8.16.3."""

    four_cc: ClassVar[bytes] = b"sidx"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    reference_id: int  # track_ID
    timescale: int
    earliest_presentation_time: int  # ticks, after the edit list
    first_offset: int  # bytes from the end of this box to the first referenced byte
    references: tuple[Reference, ...]  # at most 65,535
    wide: bool = True  # 64-bit times and offsets: what we write, as sizes must not depend on values

    @property
    def version(self) -> int:
        """1 for 64 bits."""
        return int(self.wide)

    def write_fields(self, writer: ByteWriter) -> None:
        """The index entries, 12 bytes each."""
        writer.uint(self.reference_id, 4)
        writer.uint(self.timescale, 4)
        width = 8 if self.wide else 4
        writer.uint(self.earliest_presentation_time, width)
        writer.uint(self.first_offset, width)
        writer.zeros(2)
        writer.uint(len(self.references), 2)
        for entry in self.references:
            writer.uint(entry.to_index << 31 | entry.size, 4)
            writer.uint(entry.duration, 4)
            writer.uint(entry.starts_with_sap << 31 | entry.sap_type << 28 | entry.sap_delta, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Both versions."""
        width = 8 if reader.version == 1 else 4
        reference_id = reader.uint(4)
        timescale = reader.uint(4)
        earliest = reader.uint(width)
        first_offset = reader.uint(width)
        reader.take(2)
        count = reader.uint(2)
        words = reader.column(count * 3, 4)
        references = tuple(
            Reference(
                words[at] & 0x7FFFFFFF,
                words[at + 1],
                bool(words[at] >> 31),
                bool(words[at + 2] >> 31),
                words[at + 2] >> 28 & 7,
                words[at + 2] & 0x0FFFFFFF,
            )
            for at in range(0, count * 3, 3)
        )
        return cls(reference_id, timescale, earliest, first_offset, references, width == 8)

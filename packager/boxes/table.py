"""The sample tables of a track, and groups of its samples."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import ClassVar, Self

from packager.boxes.base import FullBox, register
from packager.bytestream import ByteReader, ByteWriter


def words(*values: int) -> array[int]:
    """A column of 32-bit values."""
    return array("I", values)


@register()
@dataclass(frozen=True, slots=True)
class TimeToSampleBox(FullBox):
    """`stts`, Decoding Time to Sample Box. ISO/IEC 14496-12:2022, 8.6.1.2."""

    four_cc: ClassVar[bytes] = b"stts"

    entries: array[int] = field(default_factory=words)  # count, delta (ticks), count, delta, ...

    def write_fields(self, writer: ByteWriter) -> None:
        """Runs of equal durations."""
        writer.uint(len(self.entries) // 2, 4)
        writer.column(self.entries, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Runs of equal durations."""
        return cls(reader.column(reader.uint(4) * 2, 4))


@register()
@dataclass(frozen=True, slots=True)
class SampleToChunkBox(FullBox):
    """`stsc`, Sample To Chunk Box. ISO/IEC 14496-12:2022, 8.7.4."""

    four_cc: ClassVar[bytes] = b"stsc"

    # first chunk (1-based), samples per chunk, sample description, first chunk, ...
    entries: array[int] = field(default_factory=words)

    def write_fields(self, writer: ByteWriter) -> None:
        """Runs of equal chunks."""
        writer.uint(len(self.entries) // 3, 4)
        writer.column(self.entries, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Runs of equal chunks."""
        return cls(reader.column(reader.uint(4) * 3, 4))


@register()
@dataclass(frozen=True, slots=True)
class SampleSizeBox(FullBox):
    """`stsz`, Sample Size Box. ISO/IEC 14496-12:2022, 8.7.3.2."""

    four_cc: ClassVar[bytes] = b"stsz"

    sizes: array[int] = field(default_factory=words)  # bytes; empty when all are `common_size`
    common_size: int = 0  # bytes; 0: see `sizes`
    common_count: int = 0  # samples, when they all have the common size

    def write_fields(self, writer: ByteWriter) -> None:
        """One common size, or a size each."""
        writer.uint(self.common_size, 4)
        writer.uint(self.common_count if self.common_size else len(self.sizes), 4)
        if not self.common_size:
            writer.column(self.sizes, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """One common size, or a size each."""
        common_size = reader.uint(4)
        count = reader.uint(4)
        if common_size:
            return cls(words(), common_size, count)
        return cls(reader.column(count, 4))


@register(b"stco", b"co64")
@dataclass(frozen=True, slots=True)
class ChunkOffsetBox(FullBox):
    """`stco` or `co64`, Chunk Offset Box. ISO/IEC 14496-12:2022, 8.7.5."""

    kind: bytes = b"stco"
    offsets: array[int] = field(default_factory=words)  # bytes from the start of the file

    @property
    def code(self) -> bytes:
        """Which of the two."""
        return self.kind

    def write_fields(self, writer: ByteWriter) -> None:
        """32- or 64-bit offsets by type."""
        writer.uint(len(self.offsets), 4)
        writer.column(self.offsets, 8 if self.kind == b"co64" else 4)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """32- or 64-bit offsets by type."""
        if reader.uint(4):
            raise reader.fail("reader.version and flags are not 0")
        return cls(reader.code, reader.column(reader.uint(4), 8 if reader.code == b"co64" else 4))


@register()
@dataclass(frozen=True, slots=True)
class SampleGroupDescriptionBox(FullBox):
    """`sgpd` of grouping type `roll`, Sample Group Description Box.

    ISO/IEC 14496-12:2022, 8.9.3 and 10.1 (AudioRollRecoveryEntry). Other types stay `bytes`.
    """

    four_cc: ClassVar[bytes] = b"sgpd"
    versions: ClassVar[tuple[int, ...]] = (1, 2)

    grouping_type: bytes
    entry_size: int  # bytes of every entry
    entries: tuple[bytes, ...]
    default_index: int | None = None  # 1-based; only version 2 has it

    @classmethod
    def roll(cls, distance: int) -> Self:
        """One entry: to be right, a frame needs that many (negative) frames before it."""
        return cls(b"roll", 2, (distance.to_bytes(2, "big", signed=True),))

    @property
    def version(self) -> int:
        """2 carries a default for samples in no group."""
        return 1 if self.default_index is None else 2

    def write_fields(self, writer: ByteWriter) -> None:
        """Entries of one common length."""
        writer.data(self.grouping_type)
        writer.uint(self.entry_size, 4)
        if self.default_index is not None:
            writer.uint(self.default_index, 4)
        writer.uint(len(self.entries), 4)
        for entry in self.entries:
            writer.data(entry)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Entries of one common length; varying ones are refused."""
        grouping_type = reader.four_cc()
        size = reader.uint(4)
        default_index = reader.uint(4) if reader.version == 2 else None
        count = reader.uint(4)
        if not size or count * size > reader.remaining:
            raise reader.fail(f"{count} descriptions of {size} bytes do not fit")
        entries = tuple(reader.data(size) for _ in range(count))
        return cls(grouping_type, size, entries, default_index)


@register()
@dataclass(frozen=True, slots=True)
class SampleToGroupBox(FullBox):
    """`sbgp`, Sample to Group Box. ISO/IEC 14496-12:2022, 8.9.2."""

    four_cc: ClassVar[bytes] = b"sbgp"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    grouping_type: bytes
    runs: tuple[tuple[int, int], ...]  # (sample count, group description index)
    grouping_type_parameter: int | None = None  # only version 1 has it

    @property
    def version(self) -> int:
        """1 carries a parameter."""
        return 0 if self.grouping_type_parameter is None else 1

    def write_fields(self, writer: ByteWriter) -> None:
        """Runs of samples in one group."""
        writer.data(self.grouping_type)
        if self.grouping_type_parameter is not None:
            writer.uint(self.grouping_type_parameter, 4)
        writer.uint(len(self.runs), 4)
        for count, index in self.runs:
            writer.uint(count, 4)
            writer.uint(index, 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Runs of samples in one group."""
        grouping_type = reader.four_cc()
        parameter = reader.uint(4) if reader.version == 1 else None
        values = reader.column(reader.uint(4) * 2, 4)
        runs = tuple((values[at], values[at + 1]) for at in range(0, len(values), 2))
        return cls(grouping_type, runs, parameter)

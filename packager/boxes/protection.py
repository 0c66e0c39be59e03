"""Boxes of protected tracks: sinf's contents, key system data, auxiliary information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import Box, FullBox, register
from packager.bytestream import ByteReader, ByteWriter


@register()
@dataclass(frozen=True, slots=True)
class OriginalFormatBox(Box):
    """`frma`, Original Format Box. ISO/IEC 14496-12:2022, 8.12.3."""

    four_cc: ClassVar[bytes] = b"frma"

    data_format: bytes  # four-character code of the clear sample entry

    def write_body(self, writer: ByteWriter) -> None:
        """One code."""
        writer.data(self.data_format)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """One code."""
        return cls(reader.four_cc())


@register()
@dataclass(frozen=True, slots=True)
class SchemeTypeBox(FullBox):
    """`schm`, Scheme Type Box. ISO/IEC 14496-12:2022, 8.12.6; schemes of 23001-7:2023, 4.1."""

    four_cc: ClassVar[bytes] = b"schm"

    scheme_type: bytes  # cenc, cbcs, ...
    scheme_version: int = 0x00010000
    scheme_uri: bytes = b""  # UTF-8 with its terminating zero

    @property
    def flags(self) -> int:
        """1 announces the URI."""
        return int(bool(self.scheme_uri))

    def write_fields(self, writer: ByteWriter) -> None:
        """Type, version, URI."""
        writer.data(self.scheme_type)
        writer.uint(self.scheme_version, 4)
        writer.data(self.scheme_uri)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Type, version, URI."""
        return cls(reader.four_cc(), reader.uint(4), reader.rest() if reader.flags & 1 else b"")


@register()
@dataclass(frozen=True, slots=True)
class TrackEncryptionBox(FullBox):
    """`tenc`, Track Encryption Box. ISO/IEC 23001-7:2023, 8.2."""

    four_cc: ClassVar[bytes] = b"tenc"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    default_kid: bytes  # 16 bytes
    default_is_protected: int = 1
    default_per_sample_iv_size: int = 0  # bytes: 0, 8 or 16
    default_constant_iv: bytes = b""  # 8 or 16 bytes where the per-sample size is 0
    pattern: tuple[int, int] | None = None  # (crypt, skip) in blocks; None: version 0

    @property
    def version(self) -> int:
        """1 carries a pattern; Safari wants it for cbcs audio even though that is 0:0."""
        return 0 if self.pattern is None else 1

    def write_fields(self, writer: ByteWriter) -> None:
        """The constant IV only where there is no per-sample one."""
        writer.zeros(1)
        crypt, skip = self.pattern or (0, 0)
        writer.uint(crypt << 4 | skip, 1)
        writer.uint(self.default_is_protected, 1)
        writer.uint(self.default_per_sample_iv_size, 1)
        writer.data(self.default_kid)
        if self.default_is_protected == 1 and self.default_per_sample_iv_size == 0:
            writer.uint(len(self.default_constant_iv), 1)
            writer.data(self.default_constant_iv)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The constant IV only where there is no per-sample one."""
        reader.take(1)
        packed = reader.uint(1)
        protected = reader.uint(1)
        iv_size = reader.uint(1)
        kid = reader.data(16)
        constant = reader.data(reader.uint(1)) if protected == 1 and iv_size == 0 else b""
        pattern = (packed >> 4, packed & 15) if reader.version == 1 else None
        return cls(kid, protected, iv_size, constant, pattern)


@register()
@dataclass(frozen=True, slots=True)
class ProtectionSystemBox(FullBox):
    """`pssh`, Protection System Specific Header Box. ISO/IEC 23001-7:2023, 8.1."""

    four_cc: ClassVar[bytes] = b"pssh"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    system_id: bytes  # 16 bytes
    kids: tuple[bytes, ...] = ()  # of 16 bytes each; any make it version 1
    data: bytes = b""

    @property
    def version(self) -> int:
        """1 lists the KIDs."""
        return 1 if self.kids else 0

    def write_fields(self, writer: ByteWriter) -> None:
        """System, KIDs, data."""
        writer.data(self.system_id)
        if self.kids:
            writer.uint(len(self.kids), 4)
            for kid in self.kids:
                writer.data(kid)
        writer.uint(len(self.data), 4)
        writer.data(self.data)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """System, KIDs, data."""
        system_id = reader.data(16)
        count = reader.uint(4) if reader.version == 1 else 0
        if count * 16 > reader.remaining:
            raise reader.fail(f"{count} KIDs do not fit")
        kids = tuple(reader.data(16) for _ in range(count))
        return cls(system_id, kids, reader.data(reader.uint(4)))


@register()
@dataclass(frozen=True, slots=True)
class SampleEncryptionBox(FullBox):
    """`senc`, Sample Encryption Box without subsamples. ISO/IEC 23001-7:2023, 7.2.

    The length of an IV is in `tenc`, not here: the body of the samples stays one piece.
    """

    four_cc: ClassVar[bytes] = b"senc"

    sample_count: int
    ivs: bytes  # all IVs, one after the other
    subsamples: bool = False

    @property
    def flags(self) -> int:
        """2 announces subsample maps."""
        return 2 * self.subsamples

    def write_fields(self, writer: ByteWriter) -> None:
        """A count and the IVs."""
        writer.uint(self.sample_count, 4)
        writer.data(self.ivs)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """A count and everything after it."""
        return cls(reader.uint(4), reader.rest(), bool(reader.flags & 2))


@register()
@dataclass(frozen=True, slots=True)
class AuxiliarySizesBox(FullBox):
    """`saiz`, Sample Auxiliary Information Sizes Box. ISO/IEC 14496-12:2022, 8.7.8."""

    four_cc: ClassVar[bytes] = b"saiz"

    default_size: int  # bytes per sample; 0: see `sizes`
    sample_count: int
    sizes: bytes = b""  # a byte per sample
    aux_type: bytes = b""  # 8 bytes: aux_info_type and its parameter, or nothing

    @property
    def flags(self) -> int:
        """1 announces the auxiliary type."""
        return int(bool(self.aux_type))

    def write_fields(self, writer: ByteWriter) -> None:
        """The sizes only where there is no default."""
        writer.data(self.aux_type)
        writer.uint(self.default_size, 1)
        writer.uint(self.sample_count, 4)
        writer.data(self.sizes)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The sizes only where there is no default."""
        aux_type = reader.data(8) if reader.flags & 1 else b""
        default_size = reader.uint(1)
        count = reader.uint(4)
        return cls(default_size, count, b"" if default_size else reader.data(count), aux_type)


@register()
@dataclass(frozen=True, slots=True)
class AuxiliaryOffsetsBox(FullBox):
    """`saio`, Sample Auxiliary Information Offsets Box. ISO/IEC 14496-12:2022, 8.7.9."""

    four_cc: ClassVar[bytes] = b"saio"
    versions: ClassVar[tuple[int, ...]] = (0, 1)

    offsets: tuple[int, ...]  # bytes; in a fragment from the start of the moof
    aux_type: bytes = b""
    wide: bool = False  # 64-bit offsets where 32 bits would do

    @property
    def version(self) -> int:
        """1 for offsets of 64 bits."""
        return int(self.wide or any(offset >> 32 for offset in self.offsets))

    @property
    def flags(self) -> int:
        """1 announces the auxiliary type."""
        return int(bool(self.aux_type))

    def write_fields(self, writer: ByteWriter) -> None:
        """Usually one offset: all information is in one piece."""
        writer.data(self.aux_type)
        writer.uint(len(self.offsets), 4)
        for offset in self.offsets:
            writer.uint(offset, 8 if self.version else 4)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """Both versions."""
        aux_type = reader.data(8) if reader.flags & 1 else b""
        offsets = reader.column(reader.uint(4), 8 if reader.version else 4)
        wide = reader.version == 1 and not any(offset >> 32 for offset in offsets)
        return cls(tuple(offsets), aux_type, wide)

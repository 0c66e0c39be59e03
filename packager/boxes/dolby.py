"""Boxes that set up an AC-3 or E-AC-3 decoder. ETSI TS 102 366 V1.4.1, Annex F."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import Box, register
from packager.bytestream import BitReader, ByteReader, ByteWriter, pack_bits


@register()
@dataclass(frozen=True, slots=True)
class Ac3SpecificBox(Box):
    """`dac3`, AC3SpecificBox. ETSI TS 102 366, F.4."""

    four_cc: ClassVar[bytes] = b"dac3"

    fscod: int  # sampling rate: 0 is 48 kHz, 1 is 44.1 kHz, 2 is 32 kHz
    bsid: int  # version of the bit stream: 8
    bsmod: int  # kind of service: 0 is the complete main
    acmod: int  # full-range channels, table 4.3
    lfeon: int
    bit_rate_code: int  # table F.4.1

    def write_body(self, writer: ByteWriter) -> None:
        """Three bytes, the last five bits reserved."""
        fields = ((self.fscod, 2), (self.bsid, 5), (self.bsmod, 3), (self.acmod, 3))
        writer.data(pack_bits(*fields, (self.lfeon, 1), (self.bit_rate_code, 5), (0, 5)))

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Three bytes."""
        bits = BitReader(reader.take(3), path=reader.path)
        return cls(*(bits.bits(width) for width in (2, 5, 3, 3, 1, 5)))


@dataclass(frozen=True, slots=True)
class IndependentSubstream:
    """One program in a `dec3`, with what its dependent substreams add."""

    fscod: int
    bsid: int  # 16
    bsmod: int
    acmod: int
    lfeon: int
    num_dep_sub: int = 0  # dependent substreams
    chan_loc: int = 0  # their channels, bits of table F.6.1; only where there are any
    asvc: int = 0  # an associated service


@register()
@dataclass(frozen=True, slots=True)
class Ec3SpecificBox(Box):
    """`dec3`, EC3SpecificBox. ETSI TS 102 366, F.6; its extension: ETSI TS 103 420, 8.3."""

    four_cc: ClassVar[bytes] = b"dec3"

    data_rate: int  # kbit/s
    substreams: tuple[IndependentSubstream, ...]  # at least one
    complexity_index: int | None = None  # objects of joint object coding; None: not coded so
    reserved: bytes = b""  # what a later version put after that, kept

    def write_body(self, writer: ByteWriter) -> None:
        """The programs, then the extension where there is one."""
        fields = [(self.data_rate, 13), (len(self.substreams) - 1, 3)]
        for one in self.substreams:
            fields += [(one.fscod, 2), (one.bsid, 5), (0, 1), (one.asvc, 1), (one.bsmod, 3)]
            fields += [(one.acmod, 3), (one.lfeon, 1), (0, 3), (one.num_dep_sub, 4)]
            fields.append((one.chan_loc, 9) if one.num_dep_sub else (0, 1))
        if self.complexity_index is not None:
            fields += [(0, 7), (1, 1), (self.complexity_index, 8)]
        writer.data(pack_bits(*fields))
        writer.data(self.reserved)

    @classmethod
    def read_body(cls, reader: ByteReader) -> Self:
        """Every program takes three or four whole bytes."""
        data = reader.rest()
        bits = BitReader(data, path=reader.path)
        data_rate = bits.bits(13)
        substreams = tuple(_read_substream(bits) for _ in range(bits.bits(3) + 1))
        complexity = None
        at = len(data) - bits.left // 8
        if data[at : at + 1] == b"\x01" and bits.left >= 16:  # flag_ec3_extension_type_a
            complexity = data[at + 1]
            at += 2
        return cls(data_rate, substreams, complexity, data[at:])


def _read_substream(bits: BitReader) -> IndependentSubstream:
    fscod, bsid, _, asvc, bsmod = (bits.bits(width) for width in (2, 5, 1, 1, 3))
    acmod, lfeon, _, dependent = (bits.bits(width) for width in (3, 1, 3, 4))
    chan_loc = bits.bits(9 if dependent else 1)
    return IndependentSubstream(
        fscod, bsid, bsmod, acmod, lfeon, dependent, chan_loc if dependent else 0, asvc
    )

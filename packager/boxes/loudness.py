"""Boxes that say how loud a track is, and how loud its album. ISO/IEC 14496-12:2022, 12.2.7.

They lie in `ludt`, a plain container in the `udta` of the track.
The codes in the fields are those of ISO/IEC 23003-4 (MPEG-D DRC), `loudnessInfo()`: they are kept
here as numbers; `packager.loudness` knows what they mean in LUFS and decibels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from packager.boxes.base import FullBox, register
from packager.bytestream import BitReader, ByteReader, ByteWriter, pack_bits


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured value of a loudness base."""

    method_definition: int  # what was measured: 1 program loudness, 6 loudness range
    method_value: int  # 8 bits, coded as the method has it
    measurement_system: int  # by which standard: 1 EBU R 128, 2 ITU-R BS.1770-4
    reliability: int  # 0 unknown, 1 unverified, 2 a ceiling, 3 measured and accurate

    def write(self, writer: ByteWriter) -> None:
        """Three bytes."""
        writer.uint(self.method_definition, 1)
        writer.uint(self.method_value, 1)
        writer.data(pack_bits((self.measurement_system, 4), (self.reliability, 4)))

    @classmethod
    def read(cls, reader: ByteReader) -> Self:
        """Three bytes."""
        definition = reader.uint(1)
        value = reader.uint(1)
        packed = reader.uint(1)
        return cls(definition, value, packed >> 4, packed & 15)


@dataclass(frozen=True, slots=True)
class LoudnessBase:
    """What was measured of one combination of downmix, DRC set and (version 1) EQ set."""

    bs_sample_peak_level: int = 0  # 12 bits: (20 dBFS - peak) * 32; 0: not known
    bs_true_peak_level: int = 0  # 12 bits: (20 dBTP - peak) * 32; 0: not known
    measurement_system_for_tp: int = 0
    reliability_for_tp: int = 0
    measurements: tuple[Measurement, ...] = ()
    downmix_id: int = 0  # 0: the layout as coded
    drc_set_id: int = 0  # 0: without dynamic range control
    eq_set_id: int | None = None  # None in version 0, which has none

    def write(self, writer: ByteWriter) -> None:
        """The EQ set only in version 1."""
        if self.eq_set_id is not None:
            writer.data(pack_bits((0, 2), (self.eq_set_id, 6)))
        writer.data(
            pack_bits(
                (0, 3),
                (self.downmix_id, 7),
                (self.drc_set_id, 6),
                (self.bs_sample_peak_level, 12),
                (self.bs_true_peak_level, 12),
                (self.measurement_system_for_tp, 4),
                (self.reliability_for_tp, 4),
            )
        )
        writer.uint(len(self.measurements), 1)
        for one in self.measurements:
            one.write(writer)

    @classmethod
    def read(cls, reader: ByteReader) -> Self:
        """The EQ set only in version 1."""
        eq_set_id = reader.uint(1) & 63 if reader.version else None
        fields = BitReader(reader.take(6), path=reader.path)
        fields.bits(3)
        downmix_id, drc_set_id = fields.bits(7), fields.bits(6)
        sample_peak, true_peak = fields.bits(12), fields.bits(12)
        system, reliability = fields.bits(4), fields.bits(4)
        measurements = tuple(Measurement.read(reader) for _ in range(reader.uint(1)))
        return cls(
            sample_peak,
            true_peak,
            system,
            reliability,
            measurements,
            downmix_id,
            drc_set_id,
            eq_set_id,
        )


@dataclass(frozen=True, slots=True)
class LoudnessBaseBox(FullBox):
    """What `tlou` and `alou` have in common: one base in version 0, up to 63 in version 1."""

    versions: ClassVar[tuple[int, ...]] = (0, 1)

    bases: tuple[LoudnessBase, ...]

    def __post_init__(self) -> None:
        if any((one.eq_set_id is None) != (self.version == 0) for one in self.bases):
            msg = "either every loudness base names an EQ set, or there is one and it does not"
            raise ValueError(msg)

    @property
    def version(self) -> int:
        """1 counts its bases and names their EQ sets."""
        return int(len(self.bases) != 1 or self.bases[0].eq_set_id is not None)

    def write_fields(self, writer: ByteWriter) -> None:
        """The count only in version 1."""
        if self.version:
            writer.data(pack_bits((0, 2), (len(self.bases), 6)))
        for one in self.bases:
            one.write(writer)

    @classmethod
    def read_fields(cls, reader: ByteReader) -> Self:
        """The count only in version 1."""
        count = reader.uint(1) & 63 if reader.version else 1
        return cls(tuple(LoudnessBase.read(reader) for _ in range(count)))


@register()
@dataclass(frozen=True, slots=True)
class TrackLoudnessBox(LoudnessBaseBox):
    """`tlou`, Track Loudness Info. ISO/IEC 14496-12:2022, 12.2.7."""

    four_cc: ClassVar[bytes] = b"tlou"


@register()
@dataclass(frozen=True, slots=True)
class AlbumLoudnessBox(LoudnessBaseBox):
    """`alou`, Album Loudness Info. ISO/IEC 14496-12:2022, 12.2.7."""

    four_cc: ClassVar[bytes] = b"alou"

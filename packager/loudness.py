"""Loudness in LUFS and decibels, as files and manifests carry it.

In a file it is the `ludt` box of the track, in the codes of ISO/IEC 23003-4 (7.3): rounded to a
quarter of a LU and 1/32 dB. In manifests it is text. What was not measured is left out of both.
"""

from __future__ import annotations

from packager.boxes.base import Container
from packager.boxes.loudness import (
    AlbumLoudnessBox,
    LoudnessBase,
    Measurement,
    TrackLoudnessBox,
)
from packager.model import Loudness

_PROGRAM_LOUDNESS, _LOUDNESS_RANGE = 1, 6  # methodDefinition
_EBU_R128 = 1  # measurementSystem: BS.1770-4 with its gates, range by EBU Tech 3342
_MEASURED = 3  # reliability: measured and accurate
_QUIETEST_LUFS = -57.75
_LOUDEST_PEAK_DBTP = 20


def loudness_box(track: Loudness | None, album: Loudness | None) -> Container | None:
    """The `ludt` of a track; None where nothing is known.

    |ludt|
    |    |tlou|    the track
    |    |alou|    its album, where that is known
    """
    boxes = [
        kind((base,))
        for kind, base in (
            (TrackLoudnessBox, _base(track)),
            (AlbumLoudnessBox, _base(album)),
        )
        if base is not None
    ]
    return Container(b"ludt", tuple(boxes)) if boxes else None


def loudness_text(loudness: Loudness) -> str:
    """As in `integrated=-14.2,range=5.3,true-peak=-1.1`: LUFS, LU, dBTP. Empty if all unknown."""
    values = (
        ("integrated", loudness.integrated_lufs),
        ("range", loudness.range_lu),
        ("true-peak", loudness.true_peak_dbtp),
    )
    return ",".join(f"{name}={value:g}" for name, value in values if value is not None)


def _base(loudness: Loudness | None) -> LoudnessBase | None:
    """One loudness base of version 0: as coded, without dynamic range control."""
    if loudness is None or loudness.integrated_lufs is None:
        return None
    codes = [(_PROGRAM_LOUDNESS, _program_loudness(loudness.integrated_lufs))]
    if loudness.range_lu is not None:
        codes.append((_LOUDNESS_RANGE, _range(loudness.range_lu)))
    peak = 0 if loudness.true_peak_dbtp is None else _peak(loudness.true_peak_dbtp)
    return LoudnessBase(
        bs_true_peak_level=peak,
        measurement_system_for_tp=_EBU_R128 if peak else 0,
        reliability_for_tp=_MEASURED if peak else 0,
        measurements=tuple(
            Measurement(method, value, _EBU_R128, _MEASURED) for method, value in codes
        ),
    )


def _program_loudness(lufs: float) -> int:
    """A quarter of a LU a step, from -57.75 to 6 LUFS."""
    return min(max(round((lufs - _QUIETEST_LUFS) * 4), 0), 255)


def _range(value_lu: float) -> int:
    """Steps of 0.25 LU up to 32, of 0.5 up to 70, then of 1."""
    if value_lu <= 32:
        return max(round(value_lu * 4), 0)
    if value_lu <= 70:
        return round((value_lu + 32) * 2)
    return min(round(value_lu + 134), 255)


def _peak(dbtp: float) -> int:
    """1/32 dB a step down from 20 dBTP; never 0, which says that it is not known."""
    return min(max(round((_LOUDEST_PEAK_DBTP - dbtp) * 32), 1), 4095)

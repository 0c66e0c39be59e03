"""A release of three really encoded tracks of different lengths and sampling rates."""

from __future__ import annotations

from dataclasses import replace

from packager.model import Package, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import package, write

LENGTHS_S = (5.003, 2.5, 4.4571)
RATES_HZ = (44100, 96000, 44100)  # of the masters, and so of what is lossless


def make(encode: Encode, scheme: Scheme = Scheme.CBCS) -> tuple[Package, ...]:
    """The packages, in order; the second has a rendition that the others lack."""
    return tuple(
        _track(encode, scheme, number, seconds, rate)
        for number, (seconds, rate) in enumerate(zip(LENGTHS_S, RATES_HZ, strict=True), 1)
    )


def _track(encode: Encode, scheme: Scheme, number: int, seconds: float, rate: int) -> Package:
    aac, opus = encode("aac", seconds=seconds), encode("opus", seconds=seconds)
    renditions = [
        write(encode("flac", rate=rate, seconds=seconds), name="flac", scheme=scheme, kid=number)[
            0
        ],
        write(aac, scheme=scheme, kid=number)[0],
        write(opus, name="opus-96k", scheme=scheme, kid=number)[0],
    ]
    if number == 2:
        renditions.append(write(aac, name="aac-extra", scheme=scheme, kid=number)[0])
    made = package(*renditions)
    return replace(made, track_id=f"t{number}".ljust(21, "a"), title=f"Song {number}")

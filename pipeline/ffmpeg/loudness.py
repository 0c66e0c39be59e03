"""What the measuring filters say -> values. Pure.

At the end of stderr `ebur128` (EBU R 128, ITU-R BS.1770-4) prints a summary, `volumedetect` the
count of samples. Both also print an empty report for a graph that ffmpeg configures twice: the
last one counts. `ametadata` has written the loudness of every block into files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packager.model import Loudness

_ABSOLUTE_GATE_LUFS = -70.0  # BS.1770-4, annex 1: what is below never counts
_INTEGRATED = re.compile(r"^\s+I:\s+(\S+) LUFS", re.MULTILINE)
_RANGE = re.compile(r"^\s+LRA:\s+(\S+) LU$", re.MULTILINE)
_TRUE_PEAK = re.compile(r"True peak:\s+Peak:\s+(\S+) dBFS")
_BLOCK = "lavfi.r128."
_SAMPLES = re.compile(r"n_samples: (\d+)")


def parse_loudness(stderr_tail: str) -> Loudness | None:
    """The last summary of `ebur128`; None where there is none."""
    integrated = _last(_INTEGRATED, stderr_tail)
    if integrated is None:
        return None
    if integrated <= _ABSOLUTE_GATE_LUFS:
        return Loudness(None, None, _finite(_last(_TRUE_PEAK, stderr_tail)))
    return Loudness(
        _finite(integrated),
        _finite(_last(_RANGE, stderr_tail)),
        _finite(_last(_TRUE_PEAK, stderr_tail)),
    )


def parse_sample_count(stderr_tail: str, channels: int) -> int | None:
    """Decoded samples per channel, as `volumedetect` counted them; None where it did not."""
    counts = _SAMPLES.findall(stderr_tail)
    return int(counts[-1]) // channels if counts else None


def parse_blocks(lines: Iterable[str]) -> Iterator[float]:
    """The loudness of each block, LUFS, from `ametadata`'s lines.

    Blocks that are not full yet, at the beginning of a track, are -120.691 there.
    """
    for line in lines:
        if line.startswith(_BLOCK):
            yield float(line.partition("=")[2])


def _last(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.findall(text)
    return float(found[-1]) if found else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) != float("inf") else None

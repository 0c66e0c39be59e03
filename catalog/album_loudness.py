"""The loudness of a release, measured over all of its tracks as if they were one. Pure.

Not a mean of the tracks' values: the gate of ITU-R BS.1770-4 (annex 1) looks at blocks of 400 ms,
and which of them count depends on the whole album: a quiet interlude that is half of its track is
below the gate of the album. So each revision keeps its blocks, as counts by tenths of a LU, and
an album is gated over their sum. The few blocks that would lie across two tracks are missing.

Why here: publishing must leave a release with the loudness of what is current in it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

_ABSOLUTE_GATE = -700  # tenths: -70 LUFS. BS.1770-4, annex 1
_RELATIVE_GATE_LU = 10.0  # below the loudness of what passed the first. BS.1770-4, annex 1
_RANGE_GATE_LU = 20.0  # the same for the range. EBU Tech 3342, 3.1
_LOW, _HIGH = 0.10, 0.95  # the percentiles that the range lies between. EBU Tech 3342, 3.1


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of blocks by their loudness in tenths of a LU.

    A block is off by 0.05 LU at most, and so is any mean of blocks.
    """

    first: int = 0  # the tenth that `counts` begins with: -231 is -23.1 LUFS
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, values_lufs: Iterable[float]) -> Self:
        """Count blocks; what is below -70 LUFS never counts and is left out."""
        return cls._of_counter(
            Counter(round(value * 10) for value in values_lufs if math.isfinite(value))
        )

    @classmethod
    def sum(cls, histograms: Iterable[Histogram]) -> Self:
        """The blocks of all of them."""
        total: Counter[int] = Counter()
        for one in histograms:
            total.update(dict(enumerate(one.counts, one.first)))
        return cls._of_counter(total)

    @classmethod
    def _of_counter(cls, counter: Counter[int]) -> Self:
        tenths = [tenth for tenth, count in counter.items() if count and tenth > _ABSOLUTE_GATE]
        if not tenths:
            return cls()
        first = min(tenths)
        return cls(first, tuple(counter[tenth] for tenth in range(first, max(tenths) + 1)))

    def above(self, gate_lufs: float) -> Histogram:
        """The blocks that are louder than a gate."""
        kept = {
            tenth: count
            for tenth, count in enumerate(self.counts, self.first)
            if tenth / 10 > gate_lufs
        }
        return Histogram._of_counter(Counter(kept))

    @property
    def blocks(self) -> int:
        """How many."""
        return sum(self.counts)

    @property
    def mean_lufs(self) -> float:
        """The loudness of their mean power; there is one block at least."""
        power = sum(
            count * 10 ** (tenth / 100) for tenth, count in enumerate(self.counts, self.first)
        )
        return 10 * math.log10(power / self.blocks)

    def percentile_lufs(self, part: float) -> float:
        """The loudness that this part of the blocks does not exceed; there is one at least."""
        left = max(1, math.floor(part * self.blocks + 0.5))
        for tenth, count in enumerate(self.counts, self.first):
            left -= count
            if left <= 0:
                return tenth / 10
        return (self.first + len(self.counts) - 1) / 10


@dataclass(frozen=True, slots=True)
class LoudnessBlocks:
    """The blocks of one track, each every 100 ms."""

    momentary: Histogram  # of 400 ms
    short_term: Histogram  # of 3 s

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """The value that `dataclasses.asdict` made of one, perhaps by way of JSON."""
        momentary, short_term = (
            Histogram(stored[name]["first"], tuple(stored[name]["counts"]))
            for name in ("momentary", "short_term")
        )
        return cls(momentary, short_term)


@dataclass(frozen=True, slots=True)
class TrackLoudness:
    """What a track gives to its album's loudness."""

    blocks: LoudnessBlocks
    true_peak_dbtp: float | None


@dataclass(frozen=True, slots=True)
class AlbumLoudness:
    """How loud an album is; None where silence leaves nothing to measure."""

    integrated_lufs: float | None
    loudness_range_lu: float | None
    true_peak_dbtp: float | None


def album_loudness(tracks: Iterable[TrackLoudness]) -> AlbumLoudness:
    """Of all tracks together; values are rounded to hundredths."""
    listed = list(tracks)
    peaks = [one.true_peak_dbtp for one in listed if one.true_peak_dbtp is not None]
    return AlbumLoudness(
        integrated_lufs(Histogram.sum(one.blocks.momentary for one in listed)),
        range_lu(Histogram.sum(one.blocks.short_term for one in listed)),
        max(peaks, default=None),
    )


def integrated_lufs(momentary: Histogram) -> float | None:
    """The two gates over blocks of 400 ms. ITU-R BS.1770-4, annex 1."""
    if not momentary.blocks:
        return None
    gated = momentary.above(momentary.mean_lufs - _RELATIVE_GATE_LU)
    return round(gated.mean_lufs, 2)


def range_lu(short_term: Histogram) -> float | None:
    """The distance between two percentiles of the gated blocks of 3 s. EBU Tech 3342, 3.1."""
    if not short_term.blocks:
        return None
    gated = short_term.above(short_term.mean_lufs - _RANGE_GATE_LU)
    return round(gated.percentile_lufs(_HIGH) - gated.percentile_lufs(_LOW), 2)

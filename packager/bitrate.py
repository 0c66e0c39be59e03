"""The peak bit rate of segments, as HLS defines it for BANDWIDTH."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def peak_bps(sizes: Sequence[int], durations: Sequence[int | Fraction], timescale: int) -> int:
    """The peak segment bit rate, container included, rounded up. RFC 8216, 4.1; 4.3.4.2.

    "The largest bit rate of any contiguous set of segments whose total duration is between 0.5 and
    1.5 times the target duration": so a short tail counts with the segment before it, not alone.
    What is shorter than that in all is one set. 0 without segments. `durations` are in ticks.
    """
    longest = max(durations, default=0)
    if not longest:
        return 0
    # EXT-X-TARGETDURATION, in ticks
    target = max(1, (2 * longest + timescale) // (2 * timescale)) * timescale
    peak = 0
    for first in range(len(sizes)):
        size = 0
        lasts: int | Fraction = 0
        for number in range(first, len(sizes)):
            size += sizes[number]
            lasts += durations[number]
            if lasts * 2 > target * 3:
                break
            if lasts * 2 >= target:
                peak = max(peak, -(-size * 8 * timescale // lasts))
    return peak or -(-sum(sizes) * 8 * timescale // sum(durations))

"""The peak bit rate by the letter of RFC 8216, 4.1."""

from __future__ import annotations

from fractions import Fraction

import pytest

from packager.bitrate import peak_bps


@pytest.mark.parametrize(
    ("sizes", "seconds", "peak"),
    [
        ([], [], 0),
        ([500, 600, 550], [4, 4, 4], 1200),
        ([500, 500, 100], [4, 4, "0.2"], 1143),  # the tail with the segment before it
        ([500, 500, 100], [4, 4, 2], 1000),  # half of the target is enough
        ([500, 500, 300], [4, 4, 2], 1200),
        ([500, 500], [4, "4.4"], 1000),  # of 4.4 s, where the target duration is 4
        ([500, 100], [4, "2.1"], 1000),  # both are 6.1 s: more than 1.5 times the target
        ([50], ["0.3"], 1334),  # nothing but a tail
        ([50, 0], ["0.3", 0], 1334),
    ],
)
def test_sets_of_half_to_one_and_a_half_of_the_target_count(
    sizes: list[int], seconds: list[float | str], peak: int
) -> None:
    exact = [Fraction(one) for one in seconds]
    assert peak_bps(sizes, exact, 1) == peak
    assert peak_bps(sizes, [int(one * 48000) for one in exact], 48000) == peak

"""WebVTT in segments, for HLS. RFC 8216bis, 3.1.4.

Each segment is a whole WebVTT file with every cue that is shown while it lasts, so a cue that
crosses a boundary is in both: players know it by its times. Many segments have no cue at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from packager.text.webvtt import HEADER, Cue

# Our media timelines start at zero, after the edit list.
_MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"

EMPTY = (HEADER + _MAP + "\n").encode()  # a segment without cues


def cut(shown: Sequence[Cue], edges_ms: Sequence[int]) -> list[bytes]:
    """A file for each stretch between two edges, which rise; cues end at the last one."""
    held: list[list[Cue]] = [[] for _ in edges_ms[1:]]
    for cue in shown:
        first = bisect_right(edges_ms, cue.start_ms) - 1
        after = bisect_left(edges_ms, cue.end_ms)
        for number in range(first, min(after, len(held))):
            held[number].append(cue)
    return [(HEADER + _MAP + "\n" + "".join(cue.text for cue in one)).encode() for one in held]

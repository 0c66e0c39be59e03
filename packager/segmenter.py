"""Where segments begin: on frame boundaries, on one grid for all renditions of equal framing.

The grid depends on the target, the frame length and the rate only, never on the rendition, so
that a player can switch between two bit rates at any boundary.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import CodecConfig, EncodedTrack

MIN_TAIL_S = Fraction(1, 2)  # a shorter last segment is merged into the one before it
MAX_SEGMENTS = 65535  # reference_count of a sidx is 16 bits. ISO/IEC 14496-12:2022, 8.16.3.2


@dataclass(frozen=True, slots=True)
class Cut:
    """The frames of one segment and its place in time."""

    first: int  # frame number, from 0
    end: int  # one past the last frame
    decode_time: int  # ticks, priming included
    start: int  # presentation time, ticks
    presented: int  # ticks


def frame_durations(track: EncodedTrack) -> array[int]:
    """Ticks of each frame that is presented, the last one cut so that the sum is exact.

    Frames wholly past the end of the presentation are left out: nothing of them is heard.
    """
    total = track.trim.delay + track.trim.samples
    durations = track.table.durations
    if track.config.bit_depth is None:
        ends = array("Q", accumulate(durations))
        last = bisect_left(ends, total)
        if last == len(ends):
            raise MalformedMedia(f"{len(ends)} frames are too few for {total} ticks")
        durations = durations[: last + 1]
        durations[last] -= ends[last] - total
    elif sum(durations) != total:
        raise MalformedMedia(f"frames of {sum(durations)} ticks for {total}", path="stbl/stts")
    return durations


def segment_ticks(config: CodecConfig, target_s: Fraction) -> int:
    """Duration of a regular segment: the number of whole frames nearest to the target, in ticks."""
    frames = round(target_s * config.timescale / config.frame_ticks)
    return max(1, frames) * config.frame_ticks


def cut(track: EncodedTrack, durations: array[int], target_s: Fraction) -> tuple[Cut, ...]:
    """Divide the frames into segments; UnsupportedMedia where an index could not hold them."""
    times = array("Q", accumulate(durations, initial=0))
    total = times[-1]
    step = segment_ticks(track.config, target_s)
    shortest = max(int(MIN_TAIL_S * track.config.timescale), track.config.frame_ticks)
    edges = [0]
    for time in range(step, total, step):
        edge = _nearest(times, time)
        if edge > edges[-1] and total - times[edge] >= shortest:
            edges.append(edge)
    edges.append(len(durations))
    if len(edges) > MAX_SEGMENTS + 1:
        raise UnsupportedMedia(
            f"{len(edges) - 1} segments; an index holds {MAX_SEGMENTS}: make segments longer"
        )
    delay = track.trim.delay
    if times[edges[1]] <= delay:
        raise UnsupportedMedia("the first segment would hold nothing but priming")
    return tuple(
        Cut(
            first,
            end,
            times[first],
            max(0, times[first] - delay),
            times[end] - max(times[first], delay),
        )
        for first, end in pairwise(edges)
    )


def _nearest(times: array[int], time: int) -> int:
    """Number of the frame that starts nearest to a time; the earlier one of two."""
    at = bisect_left(times, time)
    if at and time - times[at - 1] <= times[at] - time:
        return at - 1
    return at

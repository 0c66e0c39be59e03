"""How a manifest names media: ranges of one file, or a URL for every segment.

Both are views of the same index and the same stored bytes; the origin answers the second from
the ranges of the first.
"""

from __future__ import annotations

from enum import Enum


class Addressing(Enum):
    """Which of the two."""

    RANGES = "ranges"  # {rendition}.mp4 with byte ranges: plays from a plain bucket
    SEGMENTS = "segments"  # {rendition}/init.mp4, {rendition}/{number}.m4s from number 1

"""The lines of `ffmpeg -progress` -> how much of a master is done. Pure."""

from __future__ import annotations


def progress_of(line: str, duration_s: float) -> float | None:
    """The part done (0 to 1) when the line tells; None for every other line.

    ffmpeg writes `key=value` lines; `out_time_us` is microseconds, "N/A" before the first frame.
    """
    key, _, value = line.partition("=")
    if key == "progress" and value == "end":
        return 1.0
    if key != "out_time_us" or not value.lstrip("-").isdigit() or duration_s <= 0:
        return None
    return min(1.0, max(0.0, int(value) / 1e6 / duration_s))

"""Two counts that need memory which all processes share: who is active, what was seen before.

Both are made before the processes are forked, and rely on their having one seed of `hash()`.
Nothing is locked: a cell is one byte or one word, and whoever writes it writes the same.
"""

from __future__ import annotations

import math
import mmap
import time
from collections.abc import Hashable

_CELLS = 1 << 17  # 50,000 are counted to half a percent, ten times as many still to a few
_MAPS = 3  # one is being written, one is whole, one is being cleared


class Active:
    """How many different things were seen in the last whole window.

    Linear counting (Whang et al., ACM TODS 1990): each marks one of m cells; of n things, m times
    e^(-n/m) cells stay unmarked.
    """

    def __init__(self, window_s: float = 60.0) -> None:
        self._window_s = window_s
        self._memory = memoryview(mmap.mmap(-1, _MAPS * _CELLS))
        self._marks = self._map(self._window())

    def see(self, thing: Hashable) -> None:
        """Note that it is active."""
        self._marks[hash(thing) % _CELLS] = 1

    def turn(self) -> None:
        """To be called every second or so: begin the next window when it is time."""
        window = self._window()
        self._marks = self._map(window)
        self._map(window + 1)[:] = bytes(_CELLS)

    def estimate(self) -> float:
        """How many there were."""
        free = bytes(self._map(self._window() - 1)).count(0)
        return -_CELLS * math.log(max(free, 1) / _CELLS)

    def _window(self) -> int:
        return int(time.monotonic() / self._window_s)

    def _map(self, window: int) -> memoryview:
        start = window % _MAPS * _CELLS
        return self._memory[start : start + _CELLS]


class SeenLately:
    """Whether something was seen not long ago; now and then what was is forgotten."""

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        # Of each cell the fingerprint of what it holds, and when that was seen (s), after another.
        self._cells = memoryview(mmap.mmap(-1, 2 * 8 * _CELLS)).cast("q")

    def is_new(self, thing: Hashable) -> bool:
        """Note it; False where it was noted less than the time ago."""
        fingerprint = hash(thing)
        at = fingerprint % _CELLS * 2
        now = int(time.monotonic())
        cells = self._cells
        is_same = cells[at] == fingerprint and now - cells[at + 1] < self._within_s
        cells[at], cells[at + 1] = fingerprint, now
        return not is_same


class Rows:
    """A row of whole numbers for each thing, all zero at first; lost when another takes its place.

    For what is known of many short-lived things, each of which any process may meet.
    """

    def __init__(self, words: int, rows: int = 1 << 16) -> None:
        self._words = words + 1  # the first is the thing's fingerprint
        self._rows = rows
        self._cells = memoryview(mmap.mmap(-1, rows * self._words * 8)).cast("q")

    def of(self, thing: Hashable) -> memoryview:
        """Its row, to be read and written."""
        fingerprint = hash(thing) or 1
        at = fingerprint % self._rows * self._words
        end = at + self._words
        row = self._cells[at:end]
        if row[0] != fingerprint:
            for number in range(1, self._words):
                row[number] = 0
            row[0] = fingerprint
        return row[1:]

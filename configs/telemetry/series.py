"""Figures that are counted in plain numbers, each series a list of floats.

prometheus-client's own counters cost microseconds each: a hot segment is answered in seventy. Here
whoever counts holds a series' list and adds to it; who asks gets all of them at once.

    counter, gauge    [value]
    histogram         [in the first bucket, ... in the last, beyond it, sum of all values]

Not thread-safe: for one event loop, or for one thread at a time.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Labels = tuple[str, ...]
Cell = list[float]
Cells = dict[Labels, Cell]

_MOST_SERIES = 2000  # of one family; what is beyond is counted together: no label may be endless
_OTHER = "other"
_F = TypeVar("_F", bound="Family")


class Kind(StrEnum):
    """How a family's series of several processes become one, and what Prometheus calls it."""

    COUNTER = "counter"  # the sum, also of processes that are gone
    HISTOGRAM = "histogram"  # as counters
    SUM = "sum"  # a gauge: the sum of those that live
    MAX = "max"  # a gauge: the most of those that live

    @property
    def is_lasting(self) -> bool:
        """Whether what a process has counted still counts when it is gone."""
        return self in {Kind.COUNTER, Kind.HISTOGRAM}


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Series of one name, told apart by their labels."""

    kind: Kind
    name: str
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()  # of a histogram's buckets, upper, inclusive
    cells: Cells = field(default_factory=dict)

    def cell(self, *labels: str) -> Cell:
        """The series with these labels: for those who count often, to keep and add to."""
        held = self.cells.get(labels)
        if held is not None:
            return held
        if len(labels) != len(self.labels):
            msg = f"{self.name} has the labels {self.labels}, not {labels}"
            raise ValueError(msg)
        if len(self.cells) >= _MOST_SERIES:
            labels = (_OTHER,) * len(labels)
        return self.cells.setdefault(labels, self.empty())

    def empty(self) -> Cell:
        """A series that begins."""
        return [0.0] * (len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1)

    def add(self, cells: Iterable[tuple[Labels, Sequence[float]]]) -> None:
        """Join in what another process has; what was counted otherwise is left out."""
        for labels, values in cells:
            if len(labels) != len(self.labels) or len(values) != len(self.empty()):
                continue
            cell = self.cell(*labels)
            join = max if self.kind is Kind.MAX else float.__add__
            cell[:] = [join(ours, theirs) for ours, theirs in zip(cell, values, strict=True)]


class Counter(Family):
    """Something that only grows."""

    def up(self, *labels: str, by: float = 1.0) -> None:
        """Count."""
        self.cell(*labels)[0] += by


class Gauge(Family):
    """Something that is so high now."""

    def put(self, value: float, *labels: str) -> None:
        """Set it."""
        self.cell(*labels)[0] = value


class Histogram(Family):
    """How often a value was how high."""

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        self.count(self.cell(*labels), value)

    def count(self, cell: Cell, value: float) -> None:
        """Count a value in a series that is at hand."""
        cell[bisect_left(self.bounds, value)] += 1
        cell[-1] += value


class Meters:
    """All families of one process."""

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}
        self._looks: list[Callable[[], None]] = []

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """A new counter; by convention its name ends in `_total`."""
        return self._new(Counter(Kind.COUNTER, name, text, labels))

    def gauge(self, name: str, text: str, *labels: str, kind: Kind = Kind.SUM) -> Gauge:
        """A new gauge; `kind` says how those of several processes become one."""
        return self._new(Gauge(kind, name, text, labels))

    def histogram(self, name: str, text: str, *labels: str, bounds: tuple[float, ...]) -> Histogram:
        """A new histogram."""
        return self._new(Histogram(Kind.HISTOGRAM, name, text, labels, bounds))

    def _new(self, family: _F) -> _F:
        if family.name in self.families:
            msg = f"{family.name} is counted already"
            raise ValueError(msg)
        self.families[family.name] = family
        return family

    def on_look(self, look: Callable[[], None]) -> None:
        """Have figures that are kept elsewhere put in their series before anybody sees them."""
        self._looks.append(look)

    def follow(self, counter: Counter, value: Callable[[], float], *labels: str) -> None:
        """Count what is counted elsewhere, in this process, since its start."""
        cell, seen = counter.cell(*labels), 0.0

        def look() -> None:
            nonlocal seen
            now = value()
            cell[0] += now - seen
            seen = now

        self.on_look(look)

    def snapshot(self) -> bytes:
        """All series, for `of_snapshot`."""
        for look in self._looks:
            look()
        return json.dumps(
            {name: list(one.cells.items()) for name, one in self.families.items() if one.cells}
        ).encode()

    def resume(self, snapshot: bytes) -> None:
        """Go on counting where a process that is gone has stopped; its gauges are gone with it."""
        for name, cells in of_snapshot(snapshot).items():
            family = self.families.get(name)
            if family is not None and family.kind.is_lasting:
                family.add(cells)

    def merged(self, living: Iterable[bytes], gone: Iterable[bytes]) -> dict[str, Family]:
        """The families with what all these processes have counted, and nothing of our own."""
        merged = {
            name: Family(one.kind, one.name, one.help, one.labels, one.bounds)
            for name, one in self.families.items()
        }
        for is_alive, snapshots in ((True, living), (False, gone)):
            for snapshot in snapshots:
                for name, cells in of_snapshot(snapshot).items():
                    family = merged.get(name)
                    if family is not None and (is_alive or family.kind.is_lasting):
                        family.add(cells)
        return merged


def of_snapshot(snapshot: bytes) -> Mapping[str, list[tuple[Labels, list[float]]]]:
    """The series of a snapshot, by name."""
    document = json.loads(snapshot) if snapshot else {}
    return {
        name: [(tuple(labels), values) for labels, values in cells]
        for name, cells in document.items()
    }

"""How many requests a cache of a given size answers, when popularity falls as 1/rank^s.

`Che` solves H. Che's approximation (Che, Tung and Wang, 2002: an object stays in an LRU cache for
one characteristic time, the same for all), which takes milliseconds for any number of songs.
`simulate` plays requests against an LRU cache, to show that the approximation holds: on a catalog
scaled down, and with the cache in proportion.
"""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

_EXACT_RANKS = 300  # the most popular ones, each on its own; the others in groups
_GROWTH = 1.03  # of these groups
_STEPS = 40  # of a bisection: beyond what anybody can tell apart


@dataclass(frozen=True, slots=True)
class Kind:
    """One rendition of a song, as a cache sees it."""

    share: float  # of the streams
    bytes: float  # of a whole song


@dataclass(frozen=True, slots=True)
class Hits:
    """What part of it comes from the cache."""

    requests: float
    bytes: float


class Che:
    """A catalog of so many songs, of whatever popularity."""

    def __init__(self, songs: int, zipf_s: float, kinds: Mapping[str, Kind]) -> None:
        groups = list(_groups(songs, zipf_s))
        total = sum(count * weight for count, weight in groups)
        # (objects, probability of each, bytes of each)
        self._objects = [
            (count, weight / total * kind.share, kind.bytes)
            for count, weight in groups
            for kind in kinds.values()
            if kind.share > 0
        ]
        self.bytes = sum(count * size for count, _, size in self._objects)

    def hits(self, cache_bytes: float) -> Hits:
        """What a cache of that size answers, once it is full."""
        if cache_bytes <= 0:
            return Hits(0.0, 0.0)
        if cache_bytes >= self.bytes:
            return Hits(1.0, 1.0)
        low, high = 0.0, 1.0
        while self._held(high) < cache_bytes:
            low, high = high, high * 2
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._held(middle) < cache_bytes else (low, middle)
        answered = answered_bytes = asked_bytes = 0.0
        for count, chance, size in self._objects:
            found = count * chance * -math.expm1(-chance * high)
            answered += found
            answered_bytes += found * size
            asked_bytes += count * chance * size
        return Hits(answered, answered_bytes / asked_bytes)

    def _held(self, requests: float) -> float:
        """Bytes of all that was asked for within so many requests."""
        return sum(
            count * size * -math.expm1(-chance * requests) for count, chance, size in self._objects
        )


def simulate(
    songs: int,
    zipf_s: float,
    kinds: Mapping[str, Kind],
    cache_bytes: float,
    *,
    requests: int,
    seed: int = 1,
) -> Hits:
    """Play requests; the first half only fills the cache."""
    chance = random.Random(seed)
    weights = list(accumulate(rank**-zipf_s for rank in range(1, songs + 1)))
    names = [name for name, kind in kinds.items() if kind.share > 0]
    shares = list(accumulate(kinds[name].share for name in names))
    cache: OrderedDict[tuple[int, str], float] = OrderedDict()
    held = found = found_bytes = asked_bytes = 0.0
    counted = 0
    for number in range(requests):
        song = bisect(weights, chance.random() * weights[-1])
        name = names[min(bisect(shares, chance.random() * shares[-1]), len(names) - 1)]
        size = kinds[name].bytes
        is_hit = (song, name) in cache
        if is_hit:
            cache.move_to_end((song, name))
        else:
            cache[song, name] = size
            held += size
            while held > cache_bytes and cache:
                held -= cache.popitem(last=False)[1]
        if number >= requests // 2:
            counted += 1
            asked_bytes += size
            found += is_hit
            found_bytes += size * is_hit
    return Hits(found / max(counted, 1), found_bytes / max(asked_bytes, 1.0))


def _groups(songs: int, zipf_s: float) -> list[tuple[float, float]]:
    """Ranks in groups of one popularity: how many there are, and the weight of each."""
    groups = [(1.0, float(rank) ** -zipf_s) for rank in range(1, min(songs, _EXACT_RANKS) + 1)]
    start = _EXACT_RANKS + 1
    while start <= songs:
        end = min(songs, max(start, int(start * _GROWTH)))
        count = end - start + 1
        # The mean weight of ranks start..end, by the integral.
        weight = _integral(start - 0.5, end + 0.5, zipf_s) / count
        groups.append((float(count), weight))
        start = end + 1
    return groups


def _integral(start: float, end: float, s: float) -> float:
    if abs(s - 1) < 1e-9:
        return math.log(end / start)
    return float((end ** (1 - s) - start ** (1 - s)) / (1 - s))

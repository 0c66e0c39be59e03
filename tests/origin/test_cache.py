"""Bounded memory and single flight."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.cache import Cache, Gathering, SingleFlight


def test_a_value_is_held_and_replaced() -> None:
    cache: Cache[str, bytes] = Cache(100)
    assert cache.get("a") is None
    cache.put("a", b"1", 10)
    cache.put("a", b"2", 10)
    assert cache.get("a") == b"2"
    assert (len(cache), cache.used) == (1, 10)
    cache.put("a", b"333", 30)
    assert (cache.get("a"), cache.used) == (b"333", 30)
    cache.put("a", b"", 101)
    assert (cache.get("a"), cache.used) == (None, 0)


def test_what_is_larger_than_all_is_not_held() -> None:
    cache: Cache[str, bytes] = Cache(100)
    cache.put("small", b"", 10)
    cache.put("large", b"", 101)
    assert cache.get("large") is None
    assert cache.get("small") is not None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 60), st.booleans()), max_size=200))
def test_the_bound_always_holds(steps: list[tuple[int, int, bool]]) -> None:
    cache: Cache[int, int] = Cache(100)
    costs: dict[int, int] = {}
    for key, cost, is_put in steps:
        if is_put:
            costs[key] = cost
            cache.put(key, cost, cost)
        held = cache.get(key)
        assert held is None or held == costs[key]
        assert 0 <= cache.used <= 100
    assert cache.used == sum(costs[key] for key in costs if cache.get(key) is not None)


def test_a_scan_leaves_what_is_hot() -> None:
    cache: Cache[int, int] = Cache(100)
    for _ in range(3):
        for key in range(50):
            if cache.get(key) is None:
                cache.put(key, key)
    for key in range(1000, 3000):
        cache.put(key, key)
    assert sum(cache.get(key) is not None for key in range(50)) == 50


def test_what_is_asked_for_often_stays() -> None:
    """Requests with a heavy tail, a small part of the keys held: nearly all of them are hits."""
    dice = random.Random(1)
    cache: Cache[int, int] = Cache(100)
    hits = 0
    for _ in range(50_000):
        key = int(dice.paretovariate(0.8))
        if cache.get(key) is None:
            cache.put(key, key)
        else:
            hits += 1
    assert hits > 47_500


def test_what_comes_back_soon_is_kept_from_then_on() -> None:
    cache: Cache[int, int] = Cache(10)
    for key in range(11):
        cache.put(key, key)  # 0 leaves for 10
    assert cache.get(0) is None
    cache.put(0, 0)
    for key in range(100, 200):
        cache.put(key, key)
    assert cache.get(0) == 0


def test_a_use_buys_a_second_chance() -> None:
    cache: Cache[int, int] = Cache(10)
    for key in range(10):
        cache.put(key, key)
        for _ in range(3):
            cache.get(key)
    for key in range(100, 120):  # all ten move on; then those used longest ago leave
        cache.put(key, key)
        for _ in range(3):
            cache.get(key)
    assert (len(cache), cache.used) == (10, 10)
    assert all(cache.get(key) is None for key in range(10))
    assert cache.get(119) == 119


async def test_one_load_for_all_who_wait() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    loads = 0

    async def load() -> int:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0.01)
        return 7

    assert await asyncio.gather(*(flights.run("a", load) for _ in range(1000))) == [7] * 1000
    assert loads == 1
    assert await flights.run("a", load) == 7
    assert loads == 2


async def test_a_waiter_that_goes_away_does_not_end_the_load() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    gate = asyncio.Event()

    async def load() -> int:
        await gate.wait()
        return 7

    first = asyncio.create_task(flights.run("a", load))
    second = asyncio.create_task(flights.run("a", load))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert await second == 7


async def test_an_error_reaches_every_waiter_and_is_not_kept() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise OSError("gone")

    async def succeed() -> int:
        return 7

    results = await asyncio.gather(
        *(flights.run("a", fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [OSError] * 3
    assert await flights.run("a", succeed) == 7


async def test_closing_ends_what_runs() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def forever() -> int:
        await asyncio.Event().wait()
        return 0

    waiter = asyncio.create_task(flights.run("a", forever))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter


class Loads:
    """A catalog of squares, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[set[int]] = []
        self.fails = False

    async def load(self, keys: Collection[int]) -> dict[int, int]:
        self.asked.append(set(keys))
        await asyncio.sleep(0.01)
        if self.fails:
            raise OSError("gone")
        return {key: key * key for key in keys}


async def test_what_is_asked_for_during_a_load_is_one_more_load() -> None:
    loads = Loads()
    gathering = Gathering(loads.load)
    first = [asyncio.create_task(gathering.get(key)) for key in (1, 2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    then = [asyncio.create_task(gathering.get(key)) for key in (2, 3, 4, 3)]
    assert await asyncio.gather(*first, *then) == [1, 4, 4, 9, 16, 9]
    assert loads.asked == [{1, 2}, {3, 4}]
    assert await gathering.get(1) == 1  # nothing is remembered
    assert len(loads.asked) == 3


async def test_a_load_has_a_bounded_number_of_keys() -> None:
    loads = Loads()
    gathering = Gathering(loads.load)
    await asyncio.gather(*(gathering.get(key) for key in range(1200)))
    assert [len(keys) for keys in loads.asked] == [500, 500, 200]


async def test_a_gathering_goes_on_after_an_error_and_without_those_who_left() -> None:
    loads = Loads()
    gathering = Gathering(loads.load)
    loads.fails = True
    results = await asyncio.gather(*map(gathering.get, (1, 1, 2)), return_exceptions=True)
    assert [type(result) for result in results] == [OSError] * 3
    loads.fails = False
    leaving = asyncio.create_task(gathering.get(3))
    await asyncio.sleep(0)
    staying = asyncio.create_task(gathering.get(3))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 9


async def test_closing_a_gathering_ends_what_waits() -> None:
    async def forever(_keys: Collection[int]) -> dict[int, int]:
        await asyncio.Event().wait()
        return {}

    gathering = Gathering(forever)
    waiters = [asyncio.create_task(gathering.get(key)) for key in range(3)]
    await asyncio.sleep(0)
    await gathering.close()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 3
    await gathering.close()


def test_it_counts_hits_misses_and_what_left() -> None:
    cache: Cache[str, int] = Cache(2)
    for name in "ab":
        cache.put(name, 1)
    found = [cache.get(name) for name in "abx"]
    cache.put("c", 1)
    assert found == [1, 1, None]
    assert (cache.hits, cache.misses, cache.evictions) == (2, 1, 1)

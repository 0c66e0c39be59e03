from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from pipeline.cores import available_cores
from pipeline.executors.place import Place
from pipeline.executors.pool import Pool


def test_one_job_per_core_by_default() -> None:
    assert Pool().jobs == available_cores() >= 1


async def test_never_more_at_once_than_allowed_and_all_are_done() -> None:
    running = most = 0

    async def work(item: int, _: Place) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return item * item

    results = [one async for one in Pool(3).map(work, range(10))]
    assert sorted(results) == [n * n for n in range(10)]
    assert most == 3


async def test_an_error_cancels_the_others() -> None:
    cancelled: list[int] = []

    async def work(item: int, _: Place) -> int:
        if item == 1:
            await asyncio.sleep(0.01)
            raise ValueError(item)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise
        return item

    with pytest.raises(ValueError, match="1"):
        [one async for one in Pool(2).map(work, range(5))]
    assert cancelled == [0]


@pytest.mark.parametrize("jobs", [1, 2, 3])
async def test_items_that_wait_for_each_other_leave_their_places(jobs: int) -> None:
    everybody = asyncio.Event()
    running = most = arrived = 0

    async def work(item: int, place: Place) -> int:
        nonlocal running, most, arrived
        for first in (True, False):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1
            if first:
                arrived += 1
                if arrived == 8:
                    everybody.set()
                async with place.left():
                    await everybody.wait()
        return item

    async with asyncio.timeout(10):
        results = [one async for one in Pool(jobs).map(work, range(8))]
    assert sorted(results) == list(range(8))
    assert most == jobs


async def test_a_place_is_given_up_once_however_the_work_ends() -> None:
    """Two failures while waiting must not make room for four."""
    running = most = 0

    async def work(item: int, place: Place) -> int:
        nonlocal running, most
        if item < 2:
            with suppress(ValueError):
                async with place.left():
                    raise ValueError(item)
            return item
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return item

    results = [one async for one in Pool(2).map(work, range(10))]
    assert sorted(results) == list(range(10))
    assert most == 2


async def test_leaving_the_iteration_ends_what_waits() -> None:
    ended: list[int] = []

    async def work(item: int, place: Place) -> int:
        if item == 0:
            await asyncio.sleep(0.02)
            return item
        try:
            async with place.left():
                await asyncio.Event().wait()
        finally:
            ended.append(item)
        return item

    results = Pool(2).map(work, range(3))
    assert await anext(results) == 0
    await results.aclose()  # type: ignore[attr-defined]  # a generator, which the type hides
    assert sorted(ended) == [1, 2]

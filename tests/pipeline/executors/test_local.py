from __future__ import annotations

import asyncio

import pytest

from pipeline.executors import Executor, LocalExecutor
from pipeline.executors.local import available_cores


def test_one_job_per_core_by_default() -> None:
    executor: Executor = LocalExecutor()
    assert isinstance(executor, LocalExecutor)
    assert executor.jobs == available_cores() >= 1


async def test_never_more_at_once_than_allowed_and_all_are_done() -> None:
    running = most = 0

    async def work(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return item * item

    results = [one async for one in LocalExecutor(3).map(work, range(10))]
    assert sorted(results) == [n * n for n in range(10)]
    assert most == 3


async def test_an_error_cancels_the_others() -> None:
    cancelled: list[int] = []

    async def work(item: int) -> int:
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
        [one async for one in LocalExecutor(2).map(work, range(5))]
    assert cancelled == [0]

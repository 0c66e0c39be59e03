"""Tracks side by side in this process: the heavy work is ffmpeg's, in processes of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def available_cores() -> int:
    """How many cores this process may use (a container may have fewer than the machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalExecutor:
    """At most `jobs` items at a time, in their order."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or available_cores()

    async def map(self, work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> AsyncIterator[R]:
        """Run `work` on every item; results come as they are done.

        An exception of `work`, or an end of the iteration, cancels what still runs.
        """
        waiting = iter(items)
        running: set[asyncio.Task[R]] = set()

        async def start(item: T) -> R:
            return await work(item)

        try:
            while True:
                while len(running) < self.jobs:
                    try:
                        running.add(asyncio.create_task(start(next(waiting))))
                    except StopIteration:
                        break
                if not running:
                    return
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

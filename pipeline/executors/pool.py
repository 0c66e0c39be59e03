"""Work side by side in this process: what is heavy of it is ffmpeg's, in its own processes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from pipeline.cores import available_cores
from pipeline.executors.place import Place

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """At most `jobs` items at a time, in their order; those that left their place do not count."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or available_cores()

    async def map(
        self, work: Callable[[T, Place], Awaitable[R]], items: Iterable[T]
    ) -> AsyncIterator[R]:
        """Run `work` on every item; results come as they are done.

        An exception of `work`, or an end of the iteration, cancels what still runs.
        """
        places = asyncio.Semaphore(self.jobs)
        waiting = deque(items)
        running: set[asyncio.Task[R]] = set()
        entry: asyncio.Task[bool] | None = None  # the next item's wait for a place

        async def run(item: T) -> R:
            place = _Place(places)
            try:
                return await work(item, place)
            finally:
                place.give_up()

        try:
            while waiting or running:
                if waiting and entry is None:
                    entry = asyncio.create_task(places.acquire())
                awaited = {*running, entry} if entry else running
                done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                if entry in done:
                    entry = None
                    running.add(asyncio.create_task(run(waiting.popleft())))
                for task in running & done:
                    running.remove(task)
                    yield task.result()
        finally:
            left = {*running, entry} if entry else running
            for one in left:
                one.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class _Place:
    """A running item's place among the `jobs`. Made when the place is taken."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._taken = True

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        self.give_up()
        yield
        # Not after an error: that item only reports, and waits for nobody.
        await self._places.acquire()
        self._taken = True

    def give_up(self) -> None:
        """Let another item have it; once."""
        if self._taken:
            self._taken = False
            self._places.release()

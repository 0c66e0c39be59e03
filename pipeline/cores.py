"""The cores of this process, and who of its children runs on which (Linux).

ffmpeg's threads hand each other every frame. Spread over cores they wake each other across, and
what one of them gives back to the kernel every core has to forget: on two cores an encode takes
some 6 % less CPU where it keeps to one of them, while another has the other.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path


def available_cores() -> int:
    """How many cores this process may use (a container may have fewer than the machine)."""
    return len(_numbers())


class Cores:
    """As many encoders at a time as there are cores; those that run divide the cores."""

    def __init__(self) -> None:
        self._cores = _numbers()
        self._free = asyncio.Semaphore(len(self._cores))
        self._running: list[int] = []  # process ids, in the order they began

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Callable[[int], None]]:
        """A place to run one process in; what comes out is told its id once it has begun."""
        begun: list[int] = []

        def begin(pid: int) -> None:
            begun.append(pid)
            self._running.append(pid)
            self._divide()

        async with self._free:
            try:
                yield begin
            finally:
                for pid in begun:
                    self._running.remove(pid)
                self._divide()

    def _divide(self) -> None:
        shares = divide(self._cores, len(self._running))
        for pid, share in zip(self._running, shares, strict=True):
            keep_to(pid, share)


def divide(cores: Sequence[int], among: int) -> list[Sequence[int]]:
    """Shares of nearly the same size, none empty; `among` is at most how many cores there are."""
    bounds = [number * len(cores) // among for number in range(among + 1)] if among else []
    return [cores[start:end] for start, end in pairwise(bounds)]


def keep_to(pid: int, cores: Collection[int]) -> None:
    """Let a process, all its threads and all that it has started run on these cores alone.

    Where the kernel has no such thing, or does not allow it, they go on as before.
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    kept: set[int] = set()
    # Until none is left: one that has not been told may start another meanwhile.
    while new := set(_threads(pid)) - kept:
        for thread in new:
            with suppress(OSError):
                os.sched_setaffinity(thread, cores)
        kept |= new


def _threads(pid: int) -> Iterator[int]:
    tasks: list[Path] = []
    with suppress(OSError):  # it has ended
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    for task in tasks:
        yield int(task.name)
        children = ""
        with suppress(OSError):  # this thread has ended, or the kernel does not say
            children = (task / "children").read_text()
        for child in children.split():
            yield from _threads(int(child))


def _numbers() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))

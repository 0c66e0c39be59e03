"""Who runs the tracks of a batch: here, side by side, in this process (`local`).

An executor delivers work and hands back results; the state of a job is its row in the catalog.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from pipeline.executors.local import LocalExecutor
from pipeline.executors.place import Place

__all__ = ["Executor", "LocalExecutor", "Place"]

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Runs the same work on many items."""

    def map(self, work: Callable[[T, Place], Awaitable[R]], items: Iterable[T]) -> AsyncIterator[R]:
        """Run `work` on every item; results come as they are done.

        Work that waits for other items leaves its place meanwhile, so that they can run. An
        exception of `work` ends the others and is raised.
        """
        ...

"""Many things, some at a time: a statement has so many parameters, and writers wait so long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

IDS_AT_ONCE = 1000  # in a statement, or names: databases bound how many parameters one may have

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Their parts in order, each of `size` items but for the last."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


async def arriving(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """The same of what comes one by one."""
    batch: list[T] = []
    async for one in items:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch

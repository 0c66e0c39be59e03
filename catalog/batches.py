"""Many things, some at a time: a statement has so many parameters, and writers wait so long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

IDS_AT_ONCE = 1000  # in a statement, or names: databases bound how many parameters one may have

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Their parts in order, each of `size` items but for the last."""
    for at in range(0, len(items), size):
        yield items[at : at + size]

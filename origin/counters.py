"""What a worker counts on its hottest path: plain integers, for the metrics to read.

Nothing is reset; a reader takes differences. Requests that are answered before aiohttp sees them
are told to an `Observer`, if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from origin.plain_head import PlainHead


@dataclass(slots=True)
class Counters:
    """Since the worker began. Pieces are segments, init segments, pictures, texts of manifests."""

    shortcut_answers: int = 0  # requests answered without aiohttp's parser, and what was sent
    shortcut_bytes: int = 0
    memory_hits: int = 0  # pieces from memory
    memory_bytes: int = 0
    disk_hits: int = 0  # pieces from the second level
    disk_bytes: int = 0
    disk_errors: int = 0  # reads and writes of the second level that failed, or were not as written
    store_reads: int = 0  # pieces from the store
    store_bytes: int = 0
    store_errors: int = 0
    joined: int = 0  # waited for a read that somebody else had begun
    read_ahead: int = 0  # pieces read before anybody asked


class Observer(Protocol):
    """Is told of each request that was answered by the shortcut. It must not raise or wait."""

    def answered(
        self, head: PlainHead, route: str, status: int, size_bytes: int, seconds: float
    ) -> None:
        """`route` is a media kind ("segment", "manifest" ...) or "license"."""
        ...

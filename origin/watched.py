"""The store as the origin sees it: each question to it is timed."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from configs.telemetry.tracing import span
from origin.meters import OriginMeters
from storage.base import ByteRange, ObjectInfo, ObjectNotFound, ObjectStore

T = TypeVar("T")


class WatchedStore:
    """An `ObjectStore` that tells how long it took."""

    def __init__(self, store: ObjectStore, meters: OriginMeters) -> None:
        self._store = store
        self._meters = meters
        self.list = store.list
        self.locate = store.locate

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """As the store's."""
        return await self._timed("get", self._store.get(key, span))

    async def head(self, key: str) -> ObjectInfo:
        """As the store's."""
        return await self._timed("head", self._store.head(key))

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """As the store's."""
        return await self._timed("put", self._store.put(key, data))

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """As the store's."""
        return await self._timed("put", self._store.put_file(key, path))

    async def delete(self, key: str) -> None:
        """As the store's."""
        await self._timed("delete", self._store.delete(key))

    async def close(self) -> None:
        """As the store's."""
        await self._store.close()

    async def _timed(self, operation: str, answer: Awaitable[T]) -> T:
        began = time.perf_counter()
        outcome, size = "error", 0
        try:
            with span(f"storage {operation}"):
                result = await answer
            outcome = "ok"
            size = len(result) if isinstance(result, bytes) else 0
        except ObjectNotFound:
            outcome = "not_found"
            raise
        finally:
            self._meters.storage(operation, outcome, time.perf_counter() - began, size)
        return result

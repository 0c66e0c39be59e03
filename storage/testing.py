"""Stores for tests: one in memory, and one that fails when it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from storage.base import (
    ByteRange,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
    check_key,
    check_span,
    split_prefix,
)


class MemoryStore:
    """An ObjectStore in a dictionary. It keeps the same contract as every other store."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Keep the bytes. The same bytes again are a no-op; others raise ObjectExists."""
        if self.objects.setdefault(check_key(key), bytes(data)) != data:
            msg = f"{key} already holds other bytes: objects are never overwritten"
            raise ObjectExists(msg)
        return ObjectInfo(key, len(data))

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Keep a local file's bytes."""
        return await self.put(key, path.read_bytes())

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """Read the object's bytes, or that range of them."""
        data = self._object(key)
        if span is None:
            return data
        check_span(key, span, len(data))
        return data[span.start : span.end]

    async def head(self, key: str) -> ObjectInfo:
        """Tell the size of an object. ObjectNotFound where there is none."""
        return ObjectInfo(key, len(self._object(key)))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with the prefix, in key order."""
        split_prefix(prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield ObjectInfo(key, len(self.objects[key]))

    async def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""
        self.objects.pop(check_key(key), None)

    def locate(self, key: str) -> str:
        """Make a name for messages: `memory:<key>`."""
        return f"memory:{check_key(key)}"

    async def close(self) -> None:
        """Nothing is held open."""

    def _object(self, key: str) -> bytes:
        try:
            return self.objects[check_key(key)]
        except KeyError:
            msg = f"there is no object {key}"
            raise ObjectNotFound(msg) from None


class FaultyStore:
    """Another store, but before each operation `fault(operation, key)` may raise.

    Operations are the protocol's method names: `put`, `put_file`, `get`, `head`, `list`, `delete`.
    """

    def __init__(self, store: ObjectStore, fault: Callable[[str, str], None]) -> None:
        self._store = store
        self._fault = fault

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """As the other store."""
        self._fault("put", key)
        return await self._store.put(key, data)

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """As the other store."""
        self._fault("put_file", key)
        return await self._store.put_file(key, path)

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """As the other store."""
        self._fault("get", key)
        return await self._store.get(key, span)

    async def head(self, key: str) -> ObjectInfo:
        """As the other store."""
        self._fault("head", key)
        return await self._store.head(key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """As the other store."""
        self._fault("list", prefix)
        async for info in self._store.list(prefix):
            yield info

    async def delete(self, key: str) -> None:
        """As the other store."""
        self._fault("delete", key)
        await self._store.delete(key)

    def locate(self, key: str) -> str:
        """As the other store."""
        return self._store.locate(key)

    async def close(self) -> None:
        """As the other store."""
        await self._store.close()

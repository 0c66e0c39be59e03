"""Bytes of stored objects as they were when they were stored, or none.

Networks, proxies and disks alter bytes, and plain HTTP carries no checksum: what comes is compared
with the digest that the package index has of it, and asked for again where it differs. An object
of which the index has no digests (an older version wrote it; lyrics) is read whole once,
compared with its SHA-256, and the digests of its parts are remembered.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator

from origin.cache import Cache, SingleFlight
from origin.packages import Layout
from packager import digests
from packager.model import ByteSpan
from storage.base import ByteRange, ObjectStore, StorageError

_LOG = logging.getLogger("headwater.origin")

_TRIES = 3
_LEARNED_BYTES = 4 << 20  # of digests
_AT_ONCE = 4 << 20  # bytes, of an object that is read whole
_HASHED_HERE = 256 << 10  # bytes; hashing more would hold up the event loop


class Altered(StorageError):
    """What the store gives is not what was stored, however often it is asked."""


class CheckedStore:
    """Reads parts of objects for one event loop. `altered`: how often other bytes came."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._learned: Cache[str, bytes] = Cache(_LEARNED_BYTES)
        self._lessons: SingleFlight[str, bytes] = SingleFlight()
        self.altered = 0

    async def read(self, key: str, part: ByteSpan, layout: Layout) -> bytes:
        """One part of an object that is laid out so. Altered where its bytes are not to be had."""
        wanted = digests.at(await self._digests(key, layout), layout.number(part.start))
        for _ in range(_TRIES):
            data = await self._store.get(key, ByteRange(part.start, part.end))
            if await _digest(data) == wanted:
                return data
            self._note(key, f"bytes {part.start}-{part.end - 1}")
        raise _altered(key)

    async def close(self) -> None:
        """Stop what still reads."""
        await self._lessons.close()

    async def _digests(self, key: str, layout: Layout) -> bytes:
        if layout.digests:
            return layout.digests
        known = self._learned.get(key)
        if known is None:
            known = await self._lessons.run(key, lambda: self._learn(key, layout))
        return known

    async def _learn(self, key: str, layout: Layout) -> bytes:
        for _ in range(_TRIES):
            found, sha256 = await self._read_whole(key, layout)
            if layout.sha256 in {None, sha256}:
                self._learned.put(key, found, len(found))
                return found
            self._note(key, "the whole of it")
        raise _altered(key)

    async def _read_whole(self, key: str, layout: Layout) -> tuple[bytes, str]:
        """The digests of the parts of an object, and its SHA-256.

        Where nobody knows that, the object is small, and asked for as a whole: a bucket's client
        then compares it with what was noted when it was stored.
        """
        whole, found = hashlib.sha256(), bytearray()

        def learn(data: bytes, parts: tuple[ByteSpan, ...]) -> None:
            whole.update(data)
            for part in parts:
                start = part.start - parts[0].start
                found.extend(digests.digest(data[start : start + part.size]))

        for parts in _runs(layout.pieces) if layout.sha256 else [layout.pieces]:
            span = ByteRange(parts[0].start, parts[-1].end) if layout.sha256 else None
            data = await self._store.get(key, span)
            await asyncio.to_thread(learn, data, parts)
        return bytes(found), whole.hexdigest()

    def _note(self, key: str, what: str) -> None:
        self.altered += 1
        _LOG.warning("%s: %s came altered from the storage", key, what)


def _runs(parts: tuple[ByteSpan, ...]) -> Iterator[tuple[ByteSpan, ...]]:
    """Parts that are read together."""
    run: list[ByteSpan] = []
    for part in parts:
        if run and part.end - run[0].start > _AT_ONCE:
            yield tuple(run)
            run = []
        run.append(part)
    yield tuple(run)


def _altered(key: str) -> Altered:
    return Altered(f"{key}: what the storage gives is not what was stored")


async def _digest(data: bytes) -> bytes:
    if len(data) <= _HASHED_HERE:
        return digests.digest(data)
    return await asyncio.to_thread(digests.digest, data)

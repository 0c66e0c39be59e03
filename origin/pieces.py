"""Pieces of stored objects: from memory, from a local disk where there is one, from the store."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from origin.cache import Cache, SingleFlight
from origin.checked import CheckedStore
from origin.counters import Counters
from origin.disk_cache import DiskCache, Piece
from origin.packages import Layout
from packager.model import ByteSpan
from storage.base import ObjectStore, StorageError

__all__ = ["Piece", "Pieces"]

_ENTRY_COST = 400  # bytes: what a cached piece's key and entry take beside its payload
_AHEAD_AT_ONCE = 16  # reads that nobody waits for yet
_AHEAD_BYTES = 1 << 20  # a larger piece is not read before it is asked for


class Pieces:
    """Pieces kept in bounded memory; a missing one is read once for all.

    `ahead`: how many pieces after one that was asked for are read, too.
    """

    def __init__(
        self,
        store: ObjectStore,
        limit_bytes: int,
        *,
        disk: DiskCache | None = None,
        ahead: int = 0,
        counters: Counters | None = None,
    ) -> None:
        self._store = CheckedStore(store)
        self._disk = disk
        self._ahead = ahead
        self._counters = counters or Counters()
        self.cache: Cache[Piece, bytes] = Cache(limit_bytes)
        self._flights: SingleFlight[Piece, bytes] = SingleFlight()
        self._early: set[asyncio.Task[None]] = set()
        self.held = self.cache.get  # piece -> its bytes, or None

    async def get(self, piece: Piece, layout: Layout) -> bytes:
        """The bytes of a piece of an object that is laid out so."""
        data = self.held(piece)
        if data is None:
            data = await self._flights.run(piece, lambda: self._load(piece, layout))
        return data

    @property
    def altered(self) -> int:
        """How often the storage gave other bytes than were stored."""
        return self._store.altered

    def put(self, piece: Piece, data: bytes) -> None:
        """Keep bytes that were made here (a rendered manifest) instead of read."""
        self.cache.put(piece, data, len(data) + _ENTRY_COST)

    def read_ahead(self, key: str, layout: Layout, last: ByteSpan) -> None:
        """Begin to read what comes after that piece of an object: it is what players ask next."""
        if self._ahead == 0:
            return
        number = layout.number(last.start)
        for span in layout.pieces[number + 1 : number + 1 + self._ahead]:
            piece = (key, span.start, span.end)
            if span.size > _AHEAD_BYTES or piece in self.cache:
                continue
            if len(self._early) < _AHEAD_AT_ONCE:
                task = asyncio.ensure_future(self._read_early(piece, layout))
                self._early.add(task)
                task.add_done_callback(self._early.discard)

    async def _read_early(self, piece: Piece, layout: Layout) -> None:
        self._counters.read_ahead += 1
        with suppress(StorageError):  # whoever asks for it is told
            await self._flights.run(piece, lambda: self._load(piece, layout))

    async def _load(self, piece: Piece, layout: Layout) -> bytes:
        data = None if self._disk is None else await self._disk.read(piece)
        if data is None:
            data = await self._read(piece, layout)
            if self._disk is not None:
                self._disk.write(piece, data)
        self.put(piece, data)
        return data

    async def _read(self, piece: Piece, layout: Layout) -> bytes:
        key, start, end = piece
        self._counters.store_reads += 1
        try:
            data = await self._store.read(key, ByteSpan(start, end), layout)
        except StorageError:
            self._counters.store_errors += 1
            raise
        self._counters.store_bytes += len(data)
        return data

    async def close(self) -> None:
        """Stop running loads."""
        for task in self._early:
            task.cancel()
        await asyncio.gather(*self._early, return_exceptions=True)
        await self._flights.close()
        await self._store.close()
        if self._disk is not None:
            await self._disk.close()

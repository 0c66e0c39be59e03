"""A request's body into a file, a megabyte at a time, and counted only once it is safe.

Every few seconds, every 16 MiB and at the end, however that comes, the file is synced, and then
the count is told. So the count is never more than what the file holds, whatever is killed, and
a client never sends again more than a few seconds' worth.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError

from origin.uploads.threads import Threads, to_its_end

_BLOCK = 1 << 20  # bytes in memory before they are written
_SYNC_BYTES = 16 << 20
_SYNC_S = 5.0
_TICK_S = 0.5  # how soon somebody else who wants the upload is noticed

# What reading a body raises when its sender is gone, or sends what is no HTTP.
_CUT = (ConnectionError, ClientError, web.RequestPayloadError, HttpProcessingError, EOFError)


class Body(Protocol):
    """Where the bytes come from."""

    async def __call__(self) -> bytes:
        """The next ones; none at the end."""
        ...


class Ending(Enum):
    """How a body ended."""

    WHOLE = "whole"
    CUT = "the connection broke"
    SILENT = "nothing came for too long"
    WANTED = "somebody else wants the upload"
    FULL = "the disk has no room for more"
    TOO_LONG = "there was more than was announced"


@dataclass(slots=True)
class Receiver:
    """Writes one body. Whoever uses it holds the upload's lock."""

    path: Path
    start: int  # what is counted already: behind it the file is cut off
    limit: int  # the upload's length
    count: Callable[[int], Awaitable[None]]  # told how many bytes are safe
    is_wanted: Callable[[], bool]
    has_room: Callable[[], bool]  # blocking
    idle_s: float
    threads: Threads
    hasher: Any = None  # then nothing is counted before the end
    position: int = 0  # bytes of the file that are written
    _waiting: bytearray = field(default_factory=bytearray)
    _safe: int = 0
    _file: int = -1

    async def receive(self, body: Body) -> Ending:
        """Take in a body; `position` is the file's length then. OSError; what `count` raises."""
        self.position = self._safe = self.start
        ending = None
        try:
            await self.threads.run(self._open)
            ending = await self._read(body)
        finally:  # also when the server ends in the middle of it
            counts = ending is not Ending.TOO_LONG
            await to_its_end(asyncio.ensure_future(self._end(counts=counts)))
        return ending

    async def _read(self, body: Body) -> Ending:
        loop = asyncio.get_running_loop()
        heard = synced = looked = loop.time()
        while True:
            chunk = await _next(body)
            if isinstance(chunk, Ending):
                return chunk
            now = loop.time()
            if chunk is not None:
                heard = now
                if not self._takes(chunk):
                    return Ending.TOO_LONG
            if now - looked >= _TICK_S or len(self._waiting) >= _BLOCK:
                looked = now
                await self._write()
                if self.is_wanted():
                    return Ending.WANTED
                if now - heard > self.idle_s:
                    return Ending.SILENT
            if self.position - self._safe >= _SYNC_BYTES or now - synced > _SYNC_S:
                synced = now
                await self._keep()
                if not await self.threads.run(self.has_room):
                    return Ending.FULL

    def _takes(self, chunk: bytes) -> bool:
        """Take a chunk in, as far as there is room for it."""
        room = self.limit - self.position - len(self._waiting)
        self._waiting += chunk[:room]
        return len(chunk) <= room

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY)  # made with the upload: never made anew
        os.ftruncate(self._file, self.start)
        os.lseek(self._file, self.start, os.SEEK_SET)

    async def _write(self) -> None:
        block, self._waiting = self._waiting, bytearray()
        if block:
            await self.threads.run(self._put, block)
            self.position += len(block)

    def _put(self, block: bytearray) -> None:
        if self.hasher is not None:
            self.hasher.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    async def _keep(self) -> None:
        """Make safe what came so far, and count it."""
        if self.position > self._safe:
            await self.threads.run(os.fdatasync, self._file)
            self._safe = self.position
            if self.hasher is None:
                await self.count(self.position)

    async def _end(self, *, counts: bool) -> None:
        if self._file < 0:  # it could not be opened
            return
        try:
            await self._write()
            if counts:
                await self._keep()
        finally:
            os.close(self._file)


async def _next(body: Body) -> bytes | Ending | None:
    """The next bytes, how it ended, or None: nothing came for a moment."""
    try:
        async with asyncio.timeout(_TICK_S):
            return await body() or Ending.WHOLE
    except TimeoutError:
        return None
    except _CUT:
        return Ending.CUT

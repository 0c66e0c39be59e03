"""What the API remembers of the catalog: in memory, then in Redis where there is one, then read.

What is remembered is not trusted for being young but for being unchanged: each worker reads the
catalog's feed of changes every second, and an answer counts as long as nothing in it has changed
since it was read. So a takedown shows within two seconds, whatever is remembered for how long. An
embargo, and its end, are looked at with every answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from catalog import changes
from catalog.changes import Reader
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from origin.cache import Cache, SingleFlight
from origin.outage import Known, Outage
from origin.resting import Resting

_LOG = logging.getLogger("headwater.origin")

T = TypeVar("T")

_POLL_S = 1.0
_LIVE_S = 2.0  # since the feed was read; older, nothing that is remembered counts
_IDLE_S = 60.0  # nobody asks any more: the feed is left alone
# Bytes in memory of an answer: twice its JSON, and what holds it (measured: 1.6 to 1.8 times).
_PER_BYTE, _PER_ANSWER = 2, 512
_FORMAT = 1  # of what is in Redis


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A kind of answer: its name, how long it is kept, and which changes end it."""

    name: str
    ttl_s: Callable[[T], int]
    items: Callable[[T], Iterable[str]]
    adapter: TypeAdapter[T]


@dataclass(frozen=True, slots=True)
class _Held:
    value: Any
    items: tuple[str, ...]
    known: int  # the feed had been read up to here before the value was
    read_at: float  # time.monotonic(), as is the other
    until: float


class Feed:
    """The catalog's changes, read as long as somebody asks."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._reader = Reader()
        self._read_at = -_LIVE_S
        self._asked_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._polls: SingleFlight[str, None] = SingleFlight()

    @property
    def is_live(self) -> bool:
        """Whether it was read just now. Asking keeps it so."""
        self._asked_at = time.monotonic()
        if self._task is None:
            self._task = asyncio.ensure_future(self._run())
        return self._asked_at - self._read_at < _LIVE_S

    @property
    def known(self) -> int:
        """All changes up to this one are known."""
        return self._reader.known

    def is_current(self, items: Iterable[str], known: int) -> bool:
        """Whether none of these has changed since the feed was known up to there."""
        return known <= self.known and all(self._reader.is_current(one, known) for one in items)

    async def catch_up(self) -> bool:
        """Read it if it was not just now; whether that was possible."""
        if not self.is_live:
            try:
                await self._polls.run("", self._poll)
            except CatalogError as exc:
                _LOG.debug("changes cannot be read: %s", exc)
                return False
        return True

    async def _run(self) -> None:
        while time.monotonic() - self._asked_at < _IDLE_S:
            try:
                await self._polls.run("", self._poll)
            except CatalogError as exc:
                _LOG.debug("changes cannot be read: %s", exc)
            await asyncio.sleep(_POLL_S)
        self._task = None

    async def _poll(self) -> None:
        began = time.monotonic()
        async with self._catalog.connect() as tx:
            await self._reader.read(tx)
        self._read_at = began

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._polls.close()


class MetadataCache:
    """One worker's memory, and what the workers share."""

    def __init__(
        self,
        catalog: Catalog,
        outage: Outage,
        redis: Redis | None,
        *,
        limit_bytes: int = 32 << 20,
        resting: Resting | None = None,
    ) -> None:
        self.memory: Cache[str, _Held] = Cache(limit_bytes)
        self._catalog = catalog
        self._outage = outage
        self._feed = Feed(catalog)
        self._redis = redis
        self._resting = resting or Resting()
        self._flights: SingleFlight[str, Any] = SingleFlight()
        place = hashlib.sha256(catalog.place.encode()).hexdigest()[:12]
        self._prefix = f"headwater:meta:{_FORMAT}:{place}:"

    async def get(self, kept: Kept[T], name: str, read: Callable[[Tx], Awaitable[T]]) -> T:
        """The answer of that kind and name, as `read` reads it of the catalog.

        Raises what `read` does. While the catalog is away, what was known before it went counts.
        """
        key = f"{kept.name}:{name}"
        held = self.memory.get(key)
        if held is not None and self._feed.is_live and self._counts(held):
            value: T = held.value
            return value
        found: T = await self._flights.run(key, lambda: self._find(kept, key, read))
        return found

    def _counts(self, held: _Held) -> bool:
        return time.monotonic() < held.until and self._feed.is_current(held.items, held.known)

    async def _find(self, kept: Kept[T], key: str, read: Callable[[Tx], Awaitable[T]]) -> T:
        is_live = await self._feed.catch_up()
        if is_live:
            shared = await self._shared(kept, key)
            if shared is not None:
                found: T = shared.value
                return found
        known = self._feed.known  # before the value is read: what changes meanwhile ends it

        async def load() -> T:
            async with self._catalog.glance() as tx:
                # A replica may know less than the server that the feed was read of. What changes
                # from here on, also between two statements of `read`, ends what is read.
                here = await changes.newest(tx)
                value = await read(tx)
            if is_live:
                await self._keep(kept, key, value, min(known, here))
            return value

        before = self.memory.get(key)
        then: Known[T] | None = None if before is None else Known(before.value, before.read_at)
        return await self._outage.ask(load, then)

    async def _keep(self, kept: Kept[T], key: str, value: T, known: int) -> None:
        data = b'{"known":%d,"value":%s}' % (known, kept.adapter.dump_json(value))
        self._hold(key, _held(kept, value, known, kept.ttl_s(value)), len(data))
        if self._redis is None or self._resting.is_on:
            return
        try:
            await self._redis.set(self._prefix + key, data, ex=max(1, kept.ttl_s(value)))
        except (RedisError, OSError) as exc:
            self._resting.begin(exc)

    def _hold(self, key: str, held: _Held, size: int) -> None:
        self.memory.put(key, held, _PER_ANSWER + _PER_BYTE * size)

    async def _shared(self, kept: Kept[T], key: str) -> _Held | None:
        if self._redis is None or self._resting.is_on:
            return None
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(self._prefix + key)
                pipe.ttl(self._prefix + key)
                data, ttl_s = await pipe.execute()
            if data is None:
                return None
            document = json.loads(data)
            value = kept.adapter.validate_python(document["value"])
            held = _held(kept, value, int(document["known"]), ttl_s)
        except (RedisError, OSError) as exc:
            self._resting.begin(exc)
            return None
        except (ValidationError, ValueError, KeyError, TypeError):  # of another release of ours
            return None
        if not self._counts(held):
            return None
        self._hold(key, held, len(data))
        return held

    async def close(self) -> None:
        """Stop what still loads."""
        await self._flights.close()
        await self._feed.close()


def _held(kept: Kept[T], value: T, known: int, ttl_s: float) -> _Held:
    now = time.monotonic()
    return _Held(value, tuple(kept.items(value)), known, now, now + ttl_s)

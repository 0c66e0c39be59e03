"""Whether what the origin leans on answers, and whether traffic should come nevertheless.

When the catalog or the storage is away from every origin, taking all of them out of the load
balancer would make a degraded service a dead one. So a part that is away makes an origin degraded
at first (200), and unready (503) when the outage has lasted longer than what is known may be used.
An origin that has not seen a part yet knows nothing of it, and is unready until it does. Without
Redis nothing fails: it is told of, and never makes an origin unready. The services that hold KEKs,
make licenses or sign tokens are not asked: docs/deploy.md says why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from catalog import tracks
from catalog.engine import Catalog
from catalog.errors import CatalogError
from storage.base import ObjectNotFound, ObjectStore, StorageError

_LOG = logging.getLogger("headwater.origin")

_PROBE = "covers/readyz"  # an object that never is: a store that says so can be reached
_PATIENCE_S = 2.0
_NEEDED = frozenset({"catalog", "storage"})
_FRESH_S = 1.0  # many who ask cost the parts one question


class Readiness:
    """One worker's."""

    def __init__(
        self, catalog: Catalog, store: ObjectStore, grace_s: float, redis: Redis | None = None
    ) -> None:
        self._asks: dict[str, Callable[[], Awaitable[None]]] = {
            "catalog": lambda: _ask_catalog(catalog),
            "storage": lambda: _ask_store(store),
        }
        if redis is not None:
            self._asks["redis"] = lambda: _ask_redis(redis)
        self._grace_s = grace_s
        self._away_since: dict[str, float] = {}  # time.monotonic()
        self._seen: set[str] = set()  # parts that have answered
        self._asking = asyncio.Lock()
        self._asked_at = -_FRESH_S

    async def parts(self) -> dict[str, bool]:
        """Whether each part answers, as of a second ago at most."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= _FRESH_S:
                await asyncio.gather(*(self._ask(name) for name in self._asks))
                self._asked_at = time.monotonic()
        return {name: name not in self._away_since for name in self._asks}

    def is_bearable(self) -> bool:
        """Whether what is known may still be used for all that is away."""
        now = time.monotonic()
        away = self._away_since.keys() & _NEEDED
        return away <= self._seen and all(
            now - self._away_since[name] < self._grace_s for name in away
        )

    async def _ask(self, name: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._asks[name]()
        except (CatalogError, StorageError, RedisError, OSError) as error:
            if name not in self._away_since:
                why = str(error) or f"no answer within {_PATIENCE_S:g} s"
                _LOG.warning("the %s is away: %s", name, why)
            self._away_since.setdefault(name, time.monotonic())
        else:
            self._seen.add(name)
            if self._away_since.pop(name, None) is not None:
                _LOG.warning("the %s is back", name)


async def _ask_catalog(catalog: Catalog) -> None:
    async with catalog.glance() as tx:
        await tracks.list_page(tx, after=None, limit=1)


async def _ask_redis(redis: Redis) -> None:
    await redis.ping()


async def _ask_store(store: ObjectStore) -> None:
    with suppress(ObjectNotFound):
        await store.head(_PROBE)

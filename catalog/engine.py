"""The way into the catalog: opening it, and the transactions that all functions here run in.

`sqlite` and `postgresql` say what is different. Any number of processes may open one catalog.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Self, TypeVar

from catalog import sqlite
from catalog.database import Database, PoolUse, Rows, Tx, Write, parse
from catalog.errors import CatalogConflict, CatalogError, CatalogMismatch, CatalogUnavailable
from catalog.postgresql import PoolOptions
from catalog.schema_version import is_current
from configs.telemetry.tracing import span

__all__ = ["Catalog", "Tx", "Watch"]

Result = TypeVar("Result")
# Told of each transaction: "read" or "write", "ok" or "error", and the seconds that it took.
Watch = Callable[[str, str, float], None]

_log = logging.getLogger(__name__)

_ATTEMPTS = 5  # of a transaction that the database ended for another's sake
_PAUSE_S = 0.02  # before the second attempt; doubled each time, with jitter
_REPLICA_REST_S = 10.0  # a replica that cannot be reached is asked again after this
_DEFAULT_POOL = PoolOptions()


class Catalog:
    """One open catalog. Safe for concurrent tasks; each process opens its own."""

    def __init__(self, primary: Database, replica: Database | None = None) -> None:
        self._primary = primary
        self._replica = replica
        self._replica_rests_until = 0.0
        self._watch: Watch | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        migrate: bool = True,
        replica_url: str | None = None,
        pool: PoolOptions = _DEFAULT_POOL,
    ) -> Self:
        """Connect, and bring the schema up to date (safe in many processes at once).

        With `migrate=False` nothing is made or changed: CatalogMismatch when the schema is not
        this program's, NotFound when there is no file. A replica is only ever read.
        """
        parsed = parse(url)
        if parsed.drivername == sqlite.DRIVER:
            sqlite.prepare(parsed, make=migrate)
        replica = None if replica_url is None else Database(parse(replica_url), pool)
        catalog = cls(Database(parsed, pool), replica)
        try:
            await catalog._settle(migrate=migrate)
        except BaseException:
            await catalog.close()
            raise
        return catalog

    @property
    def place(self) -> str:
        """Which database it is, for people: no password."""
        return self._primary.place

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Run a write transaction: committed at the end, rolled back by any exception."""
        with self._timed("write"):
            async with self._primary.begin() as tx:
                yield tx

    async def write(self, *work: tuple[Write, Rows]) -> None:
        """Run statements, each for its rows, in one write transaction, as cheaply as can be."""
        with self._timed("write"):
            await self._primary.write(*work)

    async def transact(self, work: Callable[[Tx], Awaitable[Result]]) -> Result:
        """Do `work` in a write transaction; again, where the database ended it for another's sake.

        It may be called several times, so it must have no effect but in the transaction.
        """
        pause_s = _PAUSE_S
        for _ in range(_ATTEMPTS - 1):
            try:
                async with self.begin() as tx:
                    return await work(tx)
            except CatalogConflict:
                await asyncio.sleep(pause_s * (0.5 + random.random()))
                pause_s *= 2
        async with self.begin() as tx:
            return await work(tx)

    @asynccontextmanager
    async def connect(self, *, fresh: bool = False) -> AsyncIterator[Tx]:
        """Read one consistent state of the catalog; nothing that is written here is kept.

        Of a replica, where there is one: it may be a little behind, unless `fresh`.
        """
        async with self._reading(fresh=fresh, glance=False) as tx:
            yield tx

    @asynccontextmanager
    async def glance(self, *, fresh: bool = False) -> AsyncIterator[Tx]:
        """Read what one statement answers, which sees one state of the catalog without more ado.

        Where there are several, each sees what is committed when it begins, never less than the
        one before it. It saves the ways there and back of BEGIN and ROLLBACK. Of a replica as
        `connect`.
        """
        async with self._reading(fresh=fresh, glance=True) as tx:
            yield tx

    @asynccontextmanager
    async def _reading(self, *, fresh: bool, glance: bool) -> AsyncIterator[Tx]:
        with self._timed("read"):
            replica = None if fresh else await self._reached_replica(glance=glance)
            async with replica or self._primary.connect(glance=glance) as tx:
                yield tx

    def watched_by(self, watch: Watch) -> None:
        """Tell of each transaction from now on how long it took."""
        self._watch = watch

    def pools(self) -> dict[str, PoolUse]:
        """How many connections there are now, to each server."""
        pools = {"primary": self._primary.pool_use()}
        if self._replica is not None:
            pools["replica"] = self._replica.pool_use()
        return pools

    async def close(self) -> None:
        """Close all connections."""
        await self._primary.close()
        if self._replica is not None:
            await self._replica.close()

    @contextmanager
    def _timed(self, operation: str) -> Iterator[None]:
        began, outcome = time.perf_counter(), "error"
        try:
            with span(f"catalog {operation}"):
                yield
            outcome = "ok"
        finally:
            if self._watch is not None:
                self._watch(operation, outcome, time.perf_counter() - began)

    async def _reached_replica(self, *, glance: bool) -> AbstractAsyncContextManager[Tx] | None:
        """Connect to the replica; None where there is none, and while it is left alone."""
        if self._replica is None or time.monotonic() < self._replica_rests_until:
            return None
        try:
            return self._replica.reading(await self._replica.connected(glance=glance))
        except CatalogError as exc:
            self._replica_rests_until = time.monotonic() + _REPLICA_REST_S
            _log.warning("the replica is left alone for %g s: %s", _REPLICA_REST_S, exc)
            return None

    async def _settle(self, *, migrate: bool) -> None:
        async with self.connect(fresh=True) as tx:
            if await tx.run_sync(is_current):
                return
        if not migrate:
            msg = f"{self._primary.place}: is older than this program: run `headwater db upgrade`"
            raise CatalogMismatch(msg)
        if self._primary.is_sqlite:
            await self._use_wal()
        # Slow to import, and hardly ever needed.
        from catalog import search_entries  # noqa: PLC0415
        from catalog.migrate import upgrade  # noqa: PLC0415

        async with self.begin() as tx:
            await tx.run_sync(upgrade)
            await search_entries.fill(tx)  # of an older catalog

    async def _use_wal(self) -> None:
        """Switch the file to WAL.

        SQLite does not wait here when another process opens the same new file, so we do.
        """
        deadline = time.monotonic() + sqlite.BUSY_S
        while True:
            try:
                async with self._primary.connect() as tx:
                    await tx.run_sync(sqlite.set_wal)
            except CatalogUnavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return

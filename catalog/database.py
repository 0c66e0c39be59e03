"""One database: how it is connected to, and what its errors mean."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Insert, Update
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import QueuePool

from catalog import postgresql, sqlite
from catalog.errors import CatalogError, CatalogUnavailable
from catalog.postgresql import PoolOptions

Tx = AsyncConnection  # what the functions of this package run in; nobody else names SQLAlchemy
Rows = Sequence[Sequence[object]]


@dataclass(frozen=True, eq=False)
class Write:
    """A statement that is run for rows of plain values: numbers, text, bytes."""

    statement: Insert | Update
    names: tuple[str, ...]  # of its parameters, in the order in which rows have them

    @cached_property
    def sqlite(self) -> str:
        """The statement for SQLite's driver. ValueError where `names` has not its order."""
        dialect = sqlite_dialect(paramstyle="qmark")
        compiled = self.statement.compile(dialect=dialect, column_keys=self.names)
        if tuple(compiled.positiontup or ()) != self.names:
            msg = f"the parameters are, in this order, {compiled.positiontup}"
            raise ValueError(msg)
        return str(compiled)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections of this process to one database."""

    in_use: int
    open: int
    limit: int


class Database:
    """One server, or one file."""

    def __init__(self, url: URL, pool: PoolOptions) -> None:
        """CatalogError for a database in memory, and where a driver is missing."""
        self.is_sqlite = url.drivername == sqlite.DRIVER
        if self.is_sqlite:
            self.place = str(sqlite.file_of(url))
            self._engine = self._reader = sqlite.make_engine(url)
            self._glancer = sqlite.glancer_of(self._engine)
            self._writer = sqlite.writer_of(self._engine)
            self._quick = sqlite.Writer(url)
        else:
            self.place = postgresql.place_of(url)
            self._engine = postgresql.make_engine(url, pool)
            self._reader = postgresql.reader_of(self._engine)
            self._glancer = postgresql.glancer_of(self._engine)
            self._writer = postgresql.writer_of(self._engine)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Write."""
        with self.our_errors():
            async with self._writer.begin() as tx:
                yield tx

    async def write(self, *work: tuple[Write, Rows]) -> None:
        """Run statements, each for its rows, in one transaction."""
        if self.is_sqlite:
            with self.our_errors():
                await self._quick.write([(write.sqlite, rows) for write, rows in work])
            return
        async with self.begin() as tx:
            for write, rows in work:
                values = [dict(zip(write.names, row, strict=True)) for row in rows]
                await tx.execute(write.statement, values)

    @asynccontextmanager
    async def connect(self, *, glance: bool = False) -> AsyncIterator[AsyncConnection]:
        """Read; a `glance` as `connected` says."""
        async with self.reading(await self.connected(glance=glance)) as tx:
            yield tx

    async def connected(self, *, glance: bool = False) -> AsyncConnection:
        """Return a connection for `reading`, so that a failure to connect is known before.

        For a `glance` no transaction is begun: each statement sees a state of its own.
        """
        with self.our_errors():
            return await (self._glancer if glance else self._reader).connect()

    @asynccontextmanager
    async def reading(self, tx: AsyncConnection) -> AsyncIterator[AsyncConnection]:
        """Read by that connection, and give it back."""
        with self.our_errors():
            try:
                yield tx
                if not self.is_sqlite:  # psycopg forgets at ROLLBACK what it has prepared
                    await tx.commit()
            finally:
                await asyncio.shield(tx.close())  # even if the task is being canceled

    def pool_use(self) -> PoolUse:
        """How many connections are open and in use now, and may be."""
        pool = self._engine.pool
        if not isinstance(pool, QueuePool):
            return PoolUse(0, 0, 0)
        in_use = pool.checkedout()
        limit = pool.size() + pool._max_overflow  # noqa: SLF001 - it has no other name
        return PoolUse(in_use, in_use + pool.checkedin(), limit)

    async def close(self) -> None:
        """Close all connections."""
        if self.is_sqlite:
            await self._quick.close()
        await self._engine.dispose()

    @contextmanager
    def our_errors(self) -> Iterator[None]:
        """Turn the database's errors into ours, without the SQL and its values."""
        try:
            yield
        except SQLAlchemyError as exc:
            raise _translated(self.place, exc) from exc
        except sqlite3.Error as exc:
            raise sqlite.meaning(self.place, str(exc)) from exc
        except UnicodeEncodeError as exc:
            msg = f"{self.place}: cannot keep text that is not Unicode: {exc.object[:40]!r}"
            raise CatalogError(msg) from exc


def parse(url: str) -> URL:
    """Read a URL. CatalogError, without what it holds, where it is not one of ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:  # whose message may hold the password
        raise CatalogError("the catalog's URL is not a database URL") from exc
    if parsed.drivername not in {sqlite.DRIVER, postgresql.DRIVER}:
        msg = f"the catalog's URL begins with {sqlite.DRIVER}:// or {postgresql.DRIVER}://"
        raise CatalogError(msg)
    return parsed


def _translated(place: str, exc: SQLAlchemyError) -> Exception:
    cause = exc.orig if isinstance(exc, StatementError) else None
    if isinstance(cause, ValueError):  # of our own column types: a caller's mistake
        return cause
    if isinstance(exc, PoolTimeoutError):
        return CatalogUnavailable(f"{place}: all connections were in use (catalog.connections)")
    if isinstance(exc, DBAPIError) and hasattr(cause, "sqlstate"):  # psycopg's
        return postgresql.meaning(place, exc)
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return CatalogUnavailable(f"{place}: the connection was lost")
    return sqlite.meaning(place, str(cause or exc))

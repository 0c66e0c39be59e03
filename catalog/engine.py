"""The way into the database: connections, transactions, and errors made ours.

SQLite runs in WAL mode: readers never wait, one writer at a time. A write transaction begins
IMMEDIATE, so that it waits for the other writer at its start (up to `_BUSY_S`) and cannot fail
half-way for having read something that changed since. Any number of processes may open one file.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from catalog.errors import CatalogError, CatalogMismatch, CatalogUnavailable, NotFound
from catalog.migrate import is_current, upgrade

Tx = AsyncConnection  # what the functions of this package run in; nobody else names SQLAlchemy

_BUSY_S = 30.0  # how long a writer waits for another; a publish takes milliseconds
_WRITE = "headwater_write"  # execution option: begin IMMEDIATE

# What SQLite says (part of its message), our error, and what it means to an operator.
_SQLITE_CAUSES: tuple[tuple[str, type[CatalogError], str], ...] = (
    ("is locked", CatalogUnavailable, f"another process kept it locked for {_BUSY_S:g} s"),
    ("disk is full", CatalogUnavailable, "no space left on device"),
    ("disk i/o error", CatalogUnavailable, "the disk failed to read or write"),
    ("unable to open", CatalogUnavailable, "cannot be opened: check the folder's permissions"),
    ("readonly database", CatalogUnavailable, "may not be written: check its permissions"),
    ("not a database", CatalogMismatch, "is not a catalog (not an SQLite database)"),
    ("is malformed", CatalogError, "is damaged: restore it from a backup"),
    ("no such table", CatalogMismatch, "has not got this program's tables"),
    ("no such column", CatalogMismatch, "has not got this program's tables"),
)


class Catalog:
    """One open catalog. Safe for concurrent tasks; each process opens its own."""

    def __init__(self, url: URL) -> None:
        self._place = url.database or url.render_as_string(hide_password=True)
        self._reader = _make_engine(url)
        self._writer = self._reader.execution_options(**{_WRITE: True})

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True) -> Self:
        """Connect, and bring the schema up to date (safe in many processes at once).

        With `migrate=False` nothing is made or changed: CatalogMismatch when the schema is not
        this program's, NotFound when there is no file.
        """
        parsed = _parse(url)
        _prepare_file(parsed, make=migrate)
        catalog = cls(parsed)
        try:
            await catalog._settle(migrate=migrate)
        except BaseException:
            await catalog.close()
            raise
        return catalog

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """Run a write transaction: committed at the end, rolled back by any exception."""
        with _our_errors(self._place):
            async with self._writer.begin() as tx:
                yield tx

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Tx]:
        """Read one consistent state of the catalog; nothing that is written here is kept."""
        with _our_errors(self._place):
            async with self._reader.connect() as tx:
                yield tx

    async def close(self) -> None:
        """Close all connections."""
        await self._reader.dispose()

    async def _settle(self, *, migrate: bool) -> None:
        async with self.connect() as tx:
            if await tx.run_sync(is_current):
                return
        if not migrate:
            msg = f"{self._place}: is older than this program: open it once with migration"
            raise CatalogMismatch(msg)
        if self._reader.dialect.name == "sqlite":
            await self._use_wal()
        async with self.begin() as tx:
            await tx.run_sync(upgrade)

    async def _use_wal(self) -> None:
        """Switch the file to WAL, which it stays in.

        SQLite does not wait here when another process opens the same new file, so we do.
        """
        deadline = time.monotonic() + _BUSY_S
        while True:
            try:
                with _our_errors(self._place):
                    async with self._reader.connect() as tx:
                        await tx.run_sync(_set_wal)
            except CatalogUnavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
            else:
                return


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise CatalogError("the catalog's URL is not a database URL") from exc
    if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
        # Every connection would see a database of its own.
        raise CatalogError("the catalog must be a file: sqlite+aiosqlite:////path/catalog.db")
    return parsed


def _prepare_file(url: URL, *, make: bool) -> None:
    if url.get_backend_name() != "sqlite" or url.database is None:
        return
    path = Path(url.database)
    if make:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            msg = f"{path}: its folder cannot be made: {(exc.strerror or str(exc)).lower()}"
            raise CatalogUnavailable(msg) from exc
    elif not path.exists():
        raise NotFound("catalog", str(path))
    # aiosqlite's thread outlives a failed opening and may complain on stderr: find out before.
    try:
        sqlite3.connect(path).close()
    except sqlite3.Error as exc:
        raise _meaning(str(path), str(exc)) from exc


def _make_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    # isolation_level None: the driver begins nothing by itself, `_begin` does.
    engine = create_async_engine(url, connect_args={"timeout": _BUSY_S, "isolation_level": None})
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare_connection(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys = ON")
        # FULL: what was committed survives a power cut; in WAL mode this is one sync per commit.
        cursor.execute("PRAGMA synchronous = FULL")
    except BaseException:  # the pool forgets a connection that fails here
        connection.close()
        raise
    cursor.close()


def _set_wal(connection: Connection) -> None:
    cursor = connection.connection.cursor()  # the driver's: a transaction must not have begun
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _our_errors(place: str) -> Iterator[None]:
    """Turn the database's errors into ours, without the SQL and its values."""
    try:
        yield
    except SQLAlchemyError as exc:
        raise _translated(place, exc) from exc
    except UnicodeEncodeError as exc:
        msg = f"{place}: cannot keep text that is not Unicode: {exc.object[:40]!r}"
        raise CatalogError(msg) from exc


def _translated(place: str, exc: SQLAlchemyError) -> Exception:
    cause = exc.orig if isinstance(exc, StatementError) else None
    if isinstance(cause, ValueError):  # of our own column types: a caller's mistake
        return cause
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return CatalogUnavailable(f"{place}: the connection was lost")
    return _meaning(place, str(cause or exc))


def _meaning(place: str, message: str) -> CatalogError:
    for part, kind, meaning in _SQLITE_CAUSES:
        if part in message.lower():
            return kind(f"{place}: {meaning}")
    return CatalogError(f"{place}: {message.splitlines()[0]}")

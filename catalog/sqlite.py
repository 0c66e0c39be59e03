"""SQLite: one file in WAL mode. Readers never wait; there is one writer at a time.

A write transaction begins IMMEDIATE, so that it waits for the other writer at its start (up to
`BUSY_S`) and cannot fail half-way for having read something that changed since.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from catalog import sqlite_connection
from catalog.errors import CatalogError, CatalogMismatch, CatalogUnavailable, NotFound

DRIVER = "sqlite+aiosqlite"
BUSY_S = 30.0  # how long a writer waits for another; a publish takes milliseconds
_BEGIN = "headwater_begin"  # execution option: how a transaction begins; None: there is none

# What SQLite says (part of its message), our error, and what it means to an operator.
_CAUSES: tuple[tuple[str, type[CatalogError], str], ...] = (
    ("is locked", CatalogUnavailable, f"another process kept it locked for {BUSY_S:g} s"),
    ("disk is full", CatalogUnavailable, "no space left on device"),
    ("disk i/o error", CatalogUnavailable, "the disk failed to read or write"),
    ("unable to open", CatalogUnavailable, "cannot be opened: check the folder's permissions"),
    ("readonly database", CatalogUnavailable, "may not be written: check its permissions"),
    ("not a database", CatalogMismatch, "is not a catalog (not an SQLite database)"),
    ("is malformed", CatalogError, "is damaged: restore it from a backup"),
    ("no such table", CatalogMismatch, "has not got this program's tables"),
    ("no such column", CatalogMismatch, "has not got this program's tables"),
)


def prepare(url: URL, *, make: bool) -> None:
    """Make the folder, or find that the file is there, and that SQLite can open it."""
    path = file_of(url)
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
        raise meaning(str(path), str(exc)) from exc


def file_of(url: URL) -> Path:
    """Return the database's file. CatalogError for one that would be in memory."""
    if url.database in {None, "", ":memory:"}:  # every connection would see one of its own
        raise CatalogError("the catalog must be a file: sqlite+aiosqlite:////path/catalog.db")
    return Path(str(url.database))


def make_engine(url: URL) -> AsyncEngine:
    """Make the engine, whose transactions begin as readers."""
    # isolation_level None: the driver begins nothing by itself, `_begin` does.
    engine = create_async_engine(
        url,
        hide_parameters=True,
        connect_args={
            "timeout": BUSY_S,
            "isolation_level": None,
            "async_creator_fn": sqlite_connection.connect,
        },
    )
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def glancer_of(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, whose statements are transactions of their own."""
    return engine.execution_options(**{_BEGIN: None})


def writer_of(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, whose transactions begin as writers."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def set_wal(connection: Connection) -> None:
    """Switch the file to WAL, which it stays in."""
    cursor = connection.connection.cursor()  # the driver's: a transaction must not have begun
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


class Writer:
    """A connection in a thread of its own, for small transactions that come by the hundred.

    One hop to that thread each: through SQLAlchemy and aiosqlite, which hop for every statement,
    cursor and result, a transaction takes 1.5 ms of CPU instead of 0.3.
    """

    def __init__(self, url: URL) -> None:
        self._file = file_of(url)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="catalog-writer")
        self._connection: sqlite3.Connection | None = None

    async def write(self, work: Sequence[tuple[str, Sequence[Sequence[object]]]]) -> None:
        """Run statements, each for its rows, in one transaction. Raises the driver's errors."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, work)

    async def close(self) -> None:
        """End the thread, after what it still does."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    def _write(self, work: Sequence[tuple[str, Sequence[Sequence[object]]]]) -> None:
        if self._connection is None:
            self._connection = sqlite3.connect(self._file, timeout=BUSY_S, isolation_level=None)
            _prepare_connection(self._connection, None)
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back
            for statement, rows in work:
                connection.executemany(statement, rows)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def meaning(place: str, message: str) -> CatalogError:
    """Make our error of what SQLite said."""
    for part, kind, what in _CAUSES:
        if part in message.lower():
            return kind(f"{place}: {what}")
    return CatalogError(f"{place}: {message.splitlines()[0]}")


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


def _begin(connection: Connection) -> None:
    how = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if how is not None:
        connection.exec_driver_sql(how)

"""A connection to SQLite in a thread of its own, to which a statement goes once.

aiosqlite's own cursor goes there four times: to be made, to run, for its rows, and to be closed.
Each way there and back takes some 0.1 ms of CPU, which is more than most of our statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

_FIRST = 1000  # rows that come with the statement
_CHUNK = 64  # rows at a time of a cursor of aiosqlite's own, which nobody uses here


def connect(database: str, **options: Any) -> Connection:
    """Make a connection, which is open once it was awaited. The options are `sqlite3.connect`'s."""
    connection = Connection(partial(sqlite3.connect, database, **options), _CHUNK)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does with aiosqlite's own
    return connection


class Connection(aiosqlite.Connection):
    """aiosqlite's, with cursors of ours."""

    _is_settled = True  # False: what the thread still does, nobody waits for any more

    def cursor(self) -> Cursor:  # type: ignore[override]  # what SQLAlchemy asks of it is there
        """Make a cursor, which costs nothing."""
        return Cursor(self)

    async def rollback(self) -> None:
        """Roll back, where there is something to."""
        if self.in_transaction or not self._is_settled:
            await super().rollback()
            self._is_settled = True

    async def run(self, work: partial[None]) -> None:
        """Do something in the thread of this connection."""
        try:
            await self._execute(work)  # type: ignore[no-untyped-call]
        except BaseException:
            self._is_settled = False
            raise

    @property
    def driver(self) -> sqlite3.Connection:
        """What the standard library knows it as."""
        return self._conn


class Cursor:
    """A statement and what it found, as SQLAlchemy wants to see it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self._open: sqlite3.Cursor | None = None  # where there are more than the first rows
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement, and fetch its first rows, which are all of most."""
        await self._connection.run(partial(self._execute, sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Run a statement for each of these."""
        await self._connection.run(partial(self._execute_many, sql, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        if self._open is not None:
            await self._connection.run(partial(self._fetch, self._open, None))
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows."""
        size = size or self.arraysize
        if self._open is not None and len(self._rows) < size:
            await self._connection.run(partial(self._fetch, self._open, size - len(self._rows)))
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        """The next row; None at the end."""
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        """Forget what was not fetched."""
        self._rows = []
        if self._open is not None:
            await self._connection.run(partial(self._end, self._open))

    def _execute(self, sql: str, parameters: Sequence[Any]) -> None:
        cursor = self._connection.driver.execute(sql, parameters)
        self.description = cursor.description
        self._fetch(cursor, _FIRST)

    def _execute_many(self, sql: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._end(self._connection.driver.executemany(sql, parameters))

    def _fetch(self, cursor: sqlite3.Cursor, size: int | None) -> None:
        """Without a size all that there are."""
        rows = cursor.fetchall() if size is None else cursor.fetchmany(size)
        self._rows += rows
        if size is None or len(rows) < size:
            self._end(cursor)
        else:
            self._open = cursor

    def _end(self, cursor: sqlite3.Cursor) -> None:
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()
        self._open = None

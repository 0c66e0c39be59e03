"""Whether a database is fit to be a catalog, and what is in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import func, select, text

from catalog import sqlite
from catalog.database import Database, parse
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from catalog.locks import unhurried
from catalog.postgresql import PoolOptions
from catalog.schema import metadata
from catalog.schema_version import known_versions, version_of

_OLDEST_SERVER = 130000  # 13.0, as `server_version_num` writes it


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    problem: str | None  # None: it is as it should be
    detail: str = ""


async def check(catalog: Catalog) -> AsyncIterator[Finding]:
    """Look at the schema, the database's own checks, and every table."""
    async with catalog.connect(fresh=True) as tx:
        await unhurried(tx)
        yield await _schema(tx)
        found = _postgresql(tx) if tx.dialect.name == "postgresql" else _sqlite(tx)
        async for finding in found:
            yield finding
        for table in metadata.sorted_tables:
            count = (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            yield Finding(table.name, None, f"{count} rows")


async def schema_of(url: str) -> str | None:
    """Read which schema a database has; None for none. CatalogMismatch if it is not ours."""
    parsed = parse(url)
    if parsed.drivername == sqlite.DRIVER and not sqlite.file_of(parsed).exists():
        return None
    database = Database(parsed, PoolOptions())
    try:
        async with database.connect() as tx:
            return await tx.run_sync(version_of)
    finally:
        await database.close()


async def check_replica(catalog: Catalog) -> Finding:
    """Look whether a catalog that was opened on a replica is one, and how far behind it is."""
    async with catalog.connect() as tx:
        if not (await tx.execute(text("SELECT pg_is_in_recovery()"))).scalar_one():
            return Finding("replica", "is no replica: it takes writes")
        behind = await _one(
            tx,
            "CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE "
            "extract(epoch FROM now() - pg_last_xact_replay_timestamp())::int END",
        )
        return Finding("replica", None, f"{behind} s behind")


async def _schema(tx: Tx) -> Finding:
    head = known_versions()[-1]
    try:
        found = await tx.run_sync(version_of)
    except CatalogError as exc:
        return Finding("schema", str(exc))
    problem = None if found == head else f"is {found}, not {head}: run `headwater db upgrade`"
    return Finding("schema", problem, f"version {found}")


async def _sqlite(tx: Tx) -> AsyncIterator[Finding]:
    said = (await tx.execute(text("PRAGMA quick_check(1)"))).scalar_one()
    yield Finding("file", None if said == "ok" else str(said).splitlines()[0], "SQLite")
    stray = (await tx.execute(text("PRAGMA foreign_key_check"))).first()
    problem = None if stray is None else f"a row of {stray[0]} refers to none of {stray[2]}"
    yield Finding("references", problem)


async def _postgresql(tx: Tx) -> AsyncIterator[Finding]:
    version = int(await _one(tx, "current_setting('server_version_num')"))
    problem = None if version >= _OLDEST_SERVER else "is older than 13"
    yield Finding("server", problem, f"PostgreSQL {await _one(tx, _VERSION)}")
    encoding = await _one(tx, "current_setting('server_encoding')")
    yield Finding("encoding", None if encoding == "UTF8" else "is not UTF8", encoding)
    names = "(SELECT min(indexrelid::regclass::text) FROM pg_index WHERE NOT indisvalid)"
    invalid = await _one(tx, f"coalesce({names}, '')")
    yield Finding("indexes", f"{invalid} is not valid: REINDEX it" if invalid else None)
    names = "(SELECT min(conname) FROM pg_constraint WHERE NOT convalidated)"
    stray = await _one(tx, f"coalesce({names}, '')")
    yield Finding("references", f"{stray} was never validated" if stray else None)
    size = await _one(tx, "pg_size_pretty(pg_database_size(current_database()))")
    yield Finding("size", None, size)


_VERSION = "current_setting('server_version')"


async def _one(tx: Tx, expression: str) -> str:
    return str((await tx.execute(text(f"SELECT {expression}"))).scalar_one())

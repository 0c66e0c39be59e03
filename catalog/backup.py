"""Copies of an SQLite catalog while it is in use, and what PostgreSQL's own tools are told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from catalog import postgresql, sqlite
from catalog.database import Database, parse
from catalog.errors import CatalogError, CatalogMismatch, CatalogUnavailable
from catalog.postgresql import PoolOptions
from catalog.schema_version import version_of


@dataclass(frozen=True, slots=True)
class Server:
    """What programs that use libpq are told. `uri` goes on command lines: no password is in it."""

    uri: str
    place: str  # for people
    password: str | None = field(repr=False)


def server_of(url: str) -> Server | None:
    """Return the PostgreSQL server of a catalog's URL; None for a file."""
    parsed = parse(url)
    if parsed.drivername == sqlite.DRIVER:
        return None
    in_query = parsed.query.get("password")
    # URL.set takes None for "as it is".
    bare = parsed._replace(password=None).difference_update_query(["password"])
    uri = bare.set(drivername="postgresql").render_as_string(hide_password=False)
    password = in_query if isinstance(in_query, str) else parsed.password
    return Server(uri, postgresql.place_of(parsed), password)


async def require_nothing(url: str) -> None:
    """CatalogError unless the database is there, and has no tables at all."""
    database = Database(parse(url), PoolOptions())
    try:
        async with database.connect() as tx:
            names = await tx.run_sync(lambda connection: inspect(connection).get_table_names())
    finally:
        await database.close()
    if names:
        raise CatalogError(f"{database.place}: is not empty: restore into a new database")


async def analyze(url: str) -> None:
    """Let PostgreSQL look at what it has been filled with, so that it plans well at once."""
    database = Database(parse(url), PoolOptions(statement_timeout_s=0))
    try:
        async with database.begin() as tx:
            await tx.exec_driver_sql("ANALYZE")
    finally:
        await database.close()


def back_up_file(url: str, path: Path) -> None:
    """Copy an SQLite catalog as it is at one instant. Nobody waits for it; takes seconds per GB.

    NotFound, or CatalogError where `path` is there already or cannot be written.
    """
    parsed = parse(url)
    sqlite.prepare(parsed, make=False)
    _copy_file(sqlite.file_of(parsed), path)


def restore_file(path: Path, url: str) -> None:
    """Make an SQLite catalog of a backup. CatalogMismatch for what is none."""
    target = sqlite.file_of(parse(url))
    _require_catalog(path)
    sqlite.prepare(parse(url), make=True)
    if target.exists() and not target.stat().st_size:  # made by looking whether it can be
        target.unlink()
    _copy_file(path, target)


def _require_catalog(path: Path) -> None:
    if not path.is_file():
        raise CatalogError(f"{path}: there is no such file")
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            if version_of(connection) is None:
                raise CatalogMismatch(f"{path}: is an empty database, not a backup of a catalog")
    except SQLAlchemyError as exc:
        raise sqlite.meaning(str(path), str(exc)) from exc
    finally:
        engine.dispose()


def _copy_file(source: Path, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    with _our_errors(target):
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
                old.backup(new)  # in one step: whoever writes meanwhile does not disturb it
                said = new.execute("PRAGMA quick_check(1)").fetchone()[0]
                if said != "ok":
                    raise CatalogError(f"{source}: is damaged: {said.splitlines()[0]}")
                new.execute("PRAGMA journal_mode = WAL")
            _sync(part)
            os.link(part, target)  # never over another file
            _sync(target.parent)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as exc:
        raise CatalogError(f"{path}: is there already: move it away first") from exc
    except OSError as exc:
        raise CatalogUnavailable(f"{path}: {(exc.strerror or str(exc)).lower()}") from exc
    except sqlite3.Error as exc:
        raise sqlite.meaning(str(path), str(exc)) from exc


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Migrations lead to the schema, and may race."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_mock_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable, ExecutableDDLElement

from catalog.engine import Catalog
from catalog.schema import metadata

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's gap


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_lead_to_the_schema(catalog: Catalog) -> None:
    async with catalog.connect() as tx:
        assert await tx.run_sync(differences) == []


async def test_the_migrations_make_every_constraint_of_the_schema(
    catalog: Catalog, tmp_path: Path
) -> None:
    """Autogenerate does not compare all of them, so the SQL itself is compared."""
    async with catalog.connect() as tx:
        rows = await tx.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL")
        made = {row.name: constraints(row.sql) for row in rows}
        dialect = tx.dialect
    for table in metadata.sorted_tables:
        assert made[table.name] == constraints(str(CreateTable(table).compile(dialect=dialect)))
        assert {index.name for index in table.indexes} <= made.keys()


def constraints(sql: str) -> set[str]:
    """Return the columns and constraints of a CREATE TABLE, whatever their order."""
    body = re.sub(r"\s+", " ", sql)[sql.index("(") + 1 : sql.rindex(")")]
    # At commas outside of parentheses: an added column stands on another one's line.
    return {one.strip(" )") for one in re.split(r",(?![^(]*\))", body)}


def test_the_schema_is_made_on_postgresql_too() -> None:
    statements: list[str] = []

    def keep(sql: ExecutableDDLElement, *_: object) -> None:
        statements.append(str(sql.compile(dialect=_POSTGRESQL)))

    copy = MetaData()  # making tables for a database that knows ALTER leaves marks in them
    for table in metadata.sorted_tables:
        table.to_metadata(copy)
    copy.create_all(create_mock_engine("postgresql://", keep), checkfirst=False)
    made = "\n".join(statements)
    assert "TIMESTAMP WITH TIME ZONE" in made
    assert "ALTER TABLE tracks ADD CONSTRAINT fk_tracks_current_revision_revisions" in made


async def test_catalogs_opened_at_once_migrate_once(url: str) -> None:
    catalogs = await asyncio.gather(*(Catalog.open(url) for _ in range(6)))
    for catalog in catalogs:
        await catalog.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))) as database:
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)


def test_migrations_are_installed_with_the_package() -> None:
    names = {one.name for one in files("catalog.migrations").iterdir()}
    assert {"env.py", "script.py.mako", "versions"} <= names

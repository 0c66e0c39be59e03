"""Migrations lead to the schema, on both databases, and may race."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import CreateTable

from catalog import masters, releases
from catalog.engine import Catalog
from catalog.schema import metadata
from catalog.schema_version import known_versions

Shape = dict[str, object]

TRACK = "t" + "a" * 20


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"include_name": is_of_the_schema})
    return list(compare_metadata(context, metadata))


def is_of_the_schema(name: str | None, kind: str, _parents: object) -> bool:
    """Not what a database keeps for itself, by triggers, so that search is fast."""
    return kind != "table" or not str(name).startswith(("search_index", "search_spelling"))


async def test_the_migrations_lead_to_the_schema(catalog: Catalog) -> None:
    async with catalog.connect() as tx:
        assert await tx.run_sync(differences) == []


async def test_the_migrations_make_every_constraint_of_the_schema(
    catalog: Catalog, database: str, empty_url: str
) -> None:
    """Autogenerate does not compare all of them."""
    async with catalog.connect() as tx:
        if database == "sqlite":
            rows = await tx.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL"
            )
            made = {row.name: constraints(row.sql) for row in rows}
            for table in metadata.sorted_tables:
                wanted = str(CreateTable(table).compile(dialect=tx.dialect))
                assert made[table.name] == constraints(wanted)
                assert {index.name for index in table.indexes} <= made.keys()
            return
        migrated = await tx.run_sync(shape)
    other = create_async_engine(empty_url)
    async with other.begin() as tx:
        await tx.run_sync(copy_of_the_schema().create_all)
        made_of_schema = await tx.run_sync(shape)
    await other.dispose()
    assert made_of_schema == migrated


def copy_of_the_schema() -> MetaData:
    copy = MetaData(naming_convention=metadata.naming_convention)
    # Not the schema itself: making tables for a database that knows ALTER leaves marks in it.
    for table in metadata.sorted_tables:
        table.to_metadata(copy)
    return copy


def constraints(sql: str) -> set[str]:
    """Return the columns and constraints of a CREATE TABLE, whatever their order."""
    body = re.sub(r"\s+", " ", sql)[sql.index("(") + 1 : sql.rindex(")")]
    # At commas outside of parentheses: an added column stands on another one's line.
    return {one.strip(" )") for one in re.split(r",(?![^(]*\))", body)}


def shape(connection: Connection) -> Shape:
    """What PostgreSQL says of every table: columns, keys, constraints and indexes."""
    found = inspect(connection)
    return {
        name: (
            sorted(map(repr_of_column, found.get_columns(name))),
            found.get_pk_constraint(name),
            sorted(found.get_foreign_keys(name), key=str),
            sorted(found.get_unique_constraints(name), key=str),
            sorted(found.get_indexes(name), key=str),
        )
        for name in found.get_table_names()
        if name != "alembic_version" and is_of_the_schema(name, "table", None)
    }


def repr_of_column(column: object) -> str:
    assert isinstance(column, dict)
    kind = column["type"]
    words = (column["name"], repr(kind), column["nullable"], column["default"])
    return repr((*words, getattr(kind, "collation", None)))


async def test_catalogs_opened_at_once_migrate_once(empty_url: str) -> None:
    catalogs = await asyncio.gather(*(Catalog.open(empty_url) for _ in range(6)))
    async with catalogs[0].connect() as tx:
        rows = await tx.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert [row.version_num for row in rows] == [known_versions()[-1]]
    for catalog in catalogs:
        await catalog.close()


def test_migrations_are_installed_with_the_package() -> None:
    names = {one.name for one in files("catalog.migrations").iterdir()}
    assert {"env.py", "script.py.mako", "versions"} <= names


def test_versions_are_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    scripts = ScriptDirectory.from_config(config)
    in_order = [script.revision for script in scripts.walk_revisions()]
    assert list(reversed(in_order)) == list(known_versions())


def test_a_current_catalog_is_opened_without_what_it_does_not_need(url: str, database: str) -> None:
    """Alembic takes a third of a second to import."""
    idle = {"alembic"} | ({"psycopg"} if database == "sqlite" else set())
    program = (
        "import asyncio, sys; from catalog.engine import Catalog\n"
        f"async def run(): await (await Catalog.open({url!r})).close()\n"
        f"asyncio.run(run()); sys.exit(str({idle} & sys.modules.keys() or ''))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.stderr.strip() == b""


async def test_what_an_older_catalog_has_is_found(empty_url: str) -> None:
    """Releases in their order; masters of collected revisions by the jobs that archived them."""
    if empty_url.startswith("sqlite"):
        Path(empty_url.partition(":///")[2]).parent.mkdir()
    older = create_async_engine(empty_url)
    async with older.begin() as tx:
        await tx.run_sync(migrate_to, "0009")
        for letter, date in (("a", "'2001'"), ("b", "NULL"), ("c", "'1999-05'")):
            columns = "release_id, tenant, title, artist, folded_title, folded_artist, date"
            values = f"'r{letter}', 'default', 'A', 'B', 'a', 'b', {date}"
            await tx.execute(
                text(
                    f"INSERT INTO releases ({columns}, created_at, updated_at) "
                    f"VALUES ({values}, '2026-01-01 00:00:00.0', '2026-01-01 00:00:00.0')"
                )
            )
        when, master = "'2026-01-01 00:00:00.0'", "a" * 64
        await tx.execute(
            text(
                "INSERT INTO masters (master_sha256, object_key, size, place, archived_at) "
                f"VALUES ('{master}', 'masters/a.wav', 1, 'cold', {when})"
            )
        )
        columns = "job_id, tenant, source, state, stage, stage_seconds, created_at"
        for number in "12":  # delivered twice, the second time after the first was collected
            values = f"'{number}', 'default', 'a.wav', 'done', 'publish', '{{}}', {when}"
            await tx.execute(
                text(
                    f"INSERT INTO jobs ({columns}, track_id, master_sha256) "
                    f"VALUES ({values}, '{TRACK}', '{master}')"
                )
            )
    await older.dispose()
    catalog = await Catalog.open(empty_url)
    async with catalog.connect() as tx:
        found = await releases.list_page(tx, after=None, limit=9)
        assert [one.object_key for one in await masters.of_track(tx, TRACK)] == ["masters/a.wav"]
    await catalog.close()
    assert [(one.release_id, one.date) for one in found] == [
        ("rb", None),
        ("rc", "1999-05"),
        ("ra", "2001"),
    ]


def migrate_to(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, version)

"""`headwater db`: the catalog's database, brought up to date, looked at, moved and kept safe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from catalog import backup, checking, copying
from catalog.engine import Catalog
from catalog.schema_version import known_versions
from configs import paths
from configs.settings import Settings
from pipeline import postgres_tools
from pipeline.cli.compose import Invocation, make_home, open_catalog, pass_invocation, pool_options
from pipeline.cli.output import Failure, write_json, write_table

_KEYS_TOO = "The keys are elsewhere: see `headwater keys backup`, and keep HOME's *.json files."


@click.group("db")
def db_group() -> None:
    """Look after the catalog's database. SQLite or PostgreSQL, as `catalog.url` says."""


@db_group.command("upgrade")
@pass_invocation
def upgrade(invocation: Invocation) -> None:
    """Make the tables, or bring them up to date. What ingest and serve do by themselves.

    headwater db upgrade
    """
    settings = invocation.load().settings
    asyncio.run(_upgrade(settings))


@db_group.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
@pass_invocation
def check(invocation: Invocation, *, as_json: bool) -> None:
    """Check schema, consistency and replica, and count the rows.

    Exits with 1 if there is a problem. What the database refers to is checked by `verify`.

    headwater db check
    """
    settings = invocation.load().settings
    findings = asyncio.run(_check(settings))
    if as_json:
        for one in findings:
            write_json({"what": one.what, "problem": one.problem, "detail": one.detail})
    else:
        write_table((one.what, one.problem or "ok", one.detail) for one in findings)
    problems = [f"{one.what}: {one.problem}" for one in findings if one.problem is not None]
    if problems:
        raise Failure(*problems)


@db_group.command("copy")
@click.option("--to", "target", metavar="URL", required=True, help="A new and empty database.")
@pass_invocation
def copy(invocation: Invocation, *, target: str) -> None:
    """Copy the catalog to another database, and compare every row.

    From SQLite to PostgreSQL, or back. It is one transaction: it is all there, or nothing is. The
    catalog can be read meanwhile; what is written to it meanwhile is not copied, so stop `serve`
    and `ingest` first. Then set `catalog.url`. A password is better kept in ~/.pgpass or PGPASSWORD
    than in the URL, where others on this machine can see it.

    headwater db copy --to postgresql+psycopg://headwater@db.example.com/headwater
    """
    settings = invocation.load().settings
    counts = asyncio.run(_copy(settings, target))
    write_table((name, f"{count} rows") for name, count in counts.items())


@db_group.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_invocation
def backup_(invocation: Invocation, *, file: Path) -> None:
    """Write the catalog as it is now to FILE, while it is in use.

    A copy of the database for SQLite; for PostgreSQL what pg_dump writes (its custom format), for
    `headwater db restore` or pg_restore. Content keys are in it, wrapped; the keys that unwrap
    them are not.

    headwater db backup catalog-2026-11-21.backup
    """
    url = paths.catalog_url(invocation.load().settings)
    server = backup.server_of(url)
    if server is None:
        backup.back_up_file(url, file)
    else:
        postgres_tools.dump(server, file)
    click.echo(f"{file}: {file.stat().st_size} bytes. {_KEYS_TOO}", err=True)


@db_group.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@pass_invocation
def restore(invocation: Invocation, *, file: Path) -> None:
    """Make the catalog of a FILE that `db backup` wrote. There must be none yet.

    headwater db restore catalog-2026-11-21.backup
    """
    settings = invocation.load().settings
    make_home(settings)
    url = paths.catalog_url(settings)
    server = backup.server_of(url)
    if server is None:
        backup.restore_file(file, url)
    else:
        asyncio.run(backup.require_nothing(url))
        postgres_tools.restore(server, file)
        asyncio.run(backup.analyze(url))
    asyncio.run(_upgrade(settings))


async def _upgrade(settings: Settings) -> None:
    before = await checking.schema_of(paths.catalog_url(settings))
    async with open_catalog(settings, make=True):
        pass
    after = known_versions()[-1]
    said = "is current" if before == after else f"was {before or 'not there'}"
    click.echo(f"schema {after} ({said})")


async def _check(settings: Settings) -> list[checking.Finding]:
    async with open_catalog(settings) as catalog:
        findings = [one async for one in checking.check(catalog)]
    if settings.catalog.replica_url is not None:
        async with _opened(settings, settings.catalog.replica_url, migrate=False) as replica:
            findings.append(await checking.check_replica(replica))
    return findings


async def _copy(settings: Settings, target: str) -> dict[str, int]:
    is_terminal = sys.stderr.isatty()

    def show(what: str, table: str, rows: int) -> None:
        if is_terminal:
            click.echo(f"\r\x1b[K{what} {table}: {rows} rows", nl=False, err=True)

    async with open_catalog(settings) as old, _opened(settings, target, migrate=True) as new:
        try:
            return await copying.copy(old, new, show)
        finally:
            if is_terminal:
                click.echo(err=True)


@asynccontextmanager
async def _opened(settings: Settings, url: str, *, migrate: bool) -> AsyncIterator[Catalog]:
    catalog = await Catalog.open(url, migrate=migrate, pool=pool_options(settings.catalog))
    try:
        yield catalog
    finally:
        await catalog.close()

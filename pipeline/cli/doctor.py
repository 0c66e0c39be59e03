"""`headwater doctor`: whether this machine is fit for the work."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from importlib import resources

import click

from catalog import keys
from catalog.engine import Catalog
from catalog.errors import CatalogError
from configs import paths
from configs.settings import Settings
from drm.errors import DrmError
from pipeline.cli.compose import Invocation, open_catalog, pass_invocation
from pipeline.cli.keks import open_keyring
from pipeline.cli.neighbors import examine_neighbors
from pipeline.cli.output import FAILED, Failure, printable, write_json
from pipeline.housekeeping.doctor import (
    Finding,
    State,
    examine_disk,
    examine_ffmpeg,
    examine_permissions,
    examine_store,
    fail,
    ok,
    warn,
)
from storage.base import StorageError
from storage.open import Role, open_store

_LIBRARIES = ("shaka", "hls", "dash")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@pass_invocation
def doctor_command(invocation: Invocation, *, as_json: bool) -> None:
    """Look whether everything is here that Headwater needs. A line for each part.

    ffmpeg, disk, permissions, catalog, storage, clocks, keys, the player's libraries, and where
    the settings name them the broker, Redis, ClamAV, the vendors of licenses and keys, and the
    identity provider; beside what is wrong stands what to do.
    Ends with 1 if anything does not work.

    headwater doctor
    """
    settings = invocation.load().settings
    findings = asyncio.run(_examine(settings))
    for one in findings:
        _show(one, as_json=as_json)
    if any(one.state is State.FAIL for one in findings):
        raise click.exceptions.Exit(FAILED)


async def _examine(settings: Settings) -> list[Finding]:
    folders = [settings.home, paths.temp_path(settings)]
    if settings.storage.kind == "local":
        folders.append(paths.storage_path(settings))
    if settings.uploads.enabled:
        folders.append(paths.uploads_path(settings))
    secrets = [paths.kek_file(settings), paths.token_file(settings), paths.audit_file(settings)]
    licenses = settings.licenses
    given = (
        settings.drm.cat_file,
        licenses.google_key_file,
        licenses.axinom_key_file,
        licenses.token_key_file,
    )
    secrets += [path for path in given if path is not None]
    findings = await examine_ffmpeg(settings.ffmpeg)
    findings += examine_disk(folders, settings.jobs.min_free_bytes)
    findings += examine_permissions(settings.home.absolute(), secrets)
    findings += await _examine_catalog(settings)
    findings += await _examine_storage(settings)
    findings += await examine_neighbors(settings)
    return [*findings, *_examine_player()]


async def _examine_storage(settings: Settings) -> list[Finding]:
    try:
        store = open_store(settings, Role.PIPELINE)
    except StorageError as exc:
        return [fail("storage", str(exc), "see docs/operations.md")]
    try:
        return await examine_store(store)
    finally:
        await store.close()


async def _examine_catalog(settings: Settings) -> list[Finding]:
    """The catalog, and with it the keys, which are in it."""
    try:
        async with open_catalog(settings) as catalog:
            reached = ok("catalog", "reachable, and of this version")
            return [reached, await _examine_keys(settings, catalog)]
    except Failure as exc:
        return [warn("catalog", exc.message, "right before the first ingest")]
    except CatalogError as exc:
        return [fail("catalog", str(exc), "start the database, or see docs/operations.md")]


async def _examine_keys(settings: Settings, catalog: Catalog) -> Finding:
    async with catalog.connect() as tx:
        some = await keys.page(tx, b"", 1)
    is_local = settings.drm.kek_provider == "local"
    if not some and is_local and not paths.kek_file(settings).exists():
        return ok("keys", "there are none yet")
    try:
        async with open_keyring(settings, catalog) as keyring:
            for record in some:
                await keyring.unwrap(record)
            current = await keyring.kek.current()
    except DrmError as exc:
        return fail("keys", str(exc), "restore the KEK: docs/keys.md")
    return ok("keys", f"KEK {current.id} version {current.version} opens what is stored")


def _examine_player() -> list[Finding]:
    vendor = resources.files("origin") / "player" / "vendor"
    there = [one.name for one in vendor.iterdir()] if vendor.is_dir() else []
    missing = [name for name in _LIBRARIES if not any(name in one for one in there)]
    if missing:
        said = f"without {', '.join(missing)}: the player page plays nothing by them"
        return [warn("player", said, "scripts/setup installs them")]
    return [ok("player", f"{', '.join(_LIBRARIES)} are here")]


def _show(one: Finding, *, as_json: bool) -> None:
    if as_json:
        write_json(asdict(one))
        return
    remedy = f" ({one.remedy})" if one.remedy else ""
    click.echo(printable(f"{one.state:<4}  {one.part:<11}  {one.said}{remedy}"))

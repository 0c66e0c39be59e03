"""`headwater keys`: content keys and the KEK that they rest under."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from catalog import keks
from catalog.records import KekRecord, WrappedKeyRecord
from configs.settings import Settings
from drm import key_admin
from drm.audit import Auditor
from drm.kek import Kek
from drm.key_admin import Checked
from drm.rotation import Rewrapped, Rotation
from pipeline.cli.compose import Deps, Invocation, open_catalog, pass_invocation, run_task
from pipeline.cli.kek_backup import backup, restore
from pipeline.cli.key_export import export
from pipeline.cli.key_tasks import say, track_id_of
from pipeline.cli.output import FAILED, Failure, write_json, write_table

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON objects, one a line."
)


@click.group("keys")
def keys_group() -> None:
    """Look after content keys and the key-encryption key (KEK)."""


@keys_group.command("list")
@click.argument("track", required=False)
@json_option
@pass_invocation
def list_(invocation: Invocation, *, track: str | None, as_json: bool) -> None:
    """List the stored keys, of a TRACK or of all. What each is for, and which KEK wraps it.

    headwater keys list "First Light"
    """
    settings = invocation.load().settings
    found = asyncio.run(_list(settings, track))
    if as_json:
        for one in found:
            write_json(_key_object(one))
    else:
        write_table(tuple(map(str, _key_object(one).values())) for one in found)


@keys_group.command("check")
@json_option
@pass_invocation
def check(invocation: Invocation, *, as_json: bool) -> None:
    """Open every stored key, keep none, and say which do not open. Exit code 1 if there are any.

    headwater keys check
    """
    checked, counted, current = run_task(invocation, "keys check", _check)
    wraps = {Kek(one.kek_id, one.version): one.wraps for one in counted}
    for kek in sorted(checked.under.keys() | wraps.keys(), key=lambda kek: (kek.id, kek.version)):
        row = {
            "kek": kek.id,
            "version": kek.version,
            "current": kek == current,
            "keys": checked.under.get(kek, 0),
            "wraps": wraps.get(kek, 0),
        }
        say(row, as_json=as_json)
    for line in checked.failed:
        click.echo(line, err=True)
    if checked.failed:
        raise click.exceptions.Exit(FAILED)


@keys_group.command("rotate")
@click.option("--no-new-version", is_flag=True, help="Only move keys under the current version.")
@json_option
@pass_invocation
def rotate(invocation: Invocation, *, no_new_version: bool, as_json: bool) -> None:
    """Make a new KEK version and wrap every key anew under it. Origins go on serving.

    A run that was interrupted is completed by the next one. After a change of
    drm.kek_provider, --no-new-version moves everything under the new KEK.

    headwater keys rotate
    """

    async def run(deps: Deps, auditor: Auditor) -> Rewrapped:
        rotation = Rotation(deps.catalog, deps.keyring, auditor, _progress)
        return await rotation.run(new_version=not no_new_version)

    done = run_task(invocation, "keys rotate", run)
    row = {
        "kek": done.kek.id,
        "version": done.kek.version,
        "new": done.rotated,
        "keys": done.keys,
        "failed": len(done.failed),
    }
    say(row, as_json=as_json)
    if done.failed:
        raise Failure(*done.failed)


@keys_group.command("retire")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--now", "at_once", is_flag=True, help="Even if it was in use less than a day ago.")
@pass_invocation
def retire(invocation: Invocation, *, version: int, at_once: bool) -> None:
    """Destroy an old VERSION of the KEK. No stored key may need it any more.

    A backup of the catalog that is older than the rotation is of no use without it.

    headwater keys retire 1
    """

    async def run(deps: Deps, auditor: Auditor) -> None:
        await key_admin.retire(
            deps.catalog,
            deps.keyring,
            auditor,
            version,
            now=lambda: datetime.now(UTC),
            at_once=at_once,
        )

    run_task(invocation, "keys retire", run)


async def _list(settings: Settings, track: str | None) -> list[WrappedKeyRecord]:
    async with open_catalog(settings) as catalog:
        track_id = await track_id_of(catalog, track)
        return [one async for one in key_admin.all_keys(catalog, track_id)]


async def _check(deps: Deps, _auditor: Auditor) -> tuple[Checked, tuple[KekRecord, ...], Kek]:
    checked = await key_admin.check(deps.catalog, deps.keyring)
    async with deps.catalog.connect() as tx:
        return checked, await keks.all_versions(tx), await deps.keyring.kek.current()


def _key_object(one: WrappedKeyRecord) -> dict[str, str | int]:
    return {
        "kid": one.kid.hex(),
        "track_id": one.track_id,
        "revision": one.revision,
        "tier": one.tier,
        "scheme": one.scheme,
        "kek": one.kek_id,
        "version": one.kek_version,
    }


def _progress(count: int) -> None:
    click.echo(f"{count} keys moved", err=True)


for command in (export, backup, restore):
    keys_group.add_command(command)

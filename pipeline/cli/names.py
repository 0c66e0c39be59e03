"""`headwater names`: what else a track, a release or an artist is found by."""

from __future__ import annotations

import asyncio

import click

from catalog import alternate_names, artists
from catalog.engine import Tx
from pipeline.cli.compose import Invocation, open_catalog, pass_invocation
from pipeline.cli.lookup import one_release, one_track
from pipeline.cli.output import Failure, write_json


@click.command("names")
@click.argument("owner")
@click.argument("names", nargs=-1)
@click.option("--release", "kind", flag_value="release", help="OWNER is a release, not a track.")
@click.option("--artist", "kind", flag_value="artist", help="OWNER is an artist: a name.")
@click.option("--clear", is_flag=True, help="Forget all other names.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@pass_invocation
def names_command(
    invocation: Invocation,
    *,
    owner: str,
    names: tuple[str, ...],
    kind: str | None,
    clear: bool,
    as_json: bool,
) -> None:
    """Set the other NAMES that OWNER is found by. Without any, they are shown.

    headwater names --artist "Teresa Teng" 邓丽君 "Teng Li-chun"
    """
    if clear and names:
        raise click.UsageError("give either NAMES or --clear")
    asyncio.run(_run(invocation, owner, names, kind, clear=clear, as_json=as_json))


async def _run(
    invocation: Invocation,
    owner: str,
    names: tuple[str, ...],
    kind: str | None,
    *,
    clear: bool,
    as_json: bool,
) -> None:
    async with open_catalog(invocation.load().settings) as catalog:

        async def change(tx: Tx) -> tuple[str, tuple[str, ...]]:
            item_id = await _item(tx, owner, kind)
            if names or clear:
                await alternate_names.put(tx, item_id, names)
            return item_id, await alternate_names.of(tx, item_id)

        item_id, found = await catalog.transact(change)
    if as_json:
        write_json({"owner": item_id, "names": found})
    else:
        for one in found:
            click.echo(one)


async def _item(tx: Tx, owner: str, kind: str | None) -> str:
    if kind == "release":
        return (await one_release(tx, owner)).release_id
    if kind is None:
        return (await one_track(tx, owner)).track_id
    found = await artists.find(tx, owner)
    if len(found) != 1:
        raise Failure(f"{owner}: {'no artist' if not found else 'several artists'} of that name")
    return str(found[0])

"""`headwater keys export`: content keys in a file, for packagers and services of another make."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from catalog import tracks
from catalog.engine import Catalog
from configs.settings import Settings
from drm import key_admin
from drm.audit import Auditor
from drm.cpix import export as cpix
from drm.cpix.envelope import Recipients, seal_document
from drm.cpix.write import write
from drm.key_admin import OpenKey
from pipeline.cli.compose import Deps, Invocation, key_systems, pass_invocation, run_task
from pipeline.cli.key_tasks import track_id_of, write_new


@click.command("export")
@click.argument("track", required=False)
@click.option("--all", "everything", is_flag=True, help="The keys of every track and revision.")
@click.option(
    "--to", "form", type=click.Choice(["json", "cpix"]), default="json", show_default=True
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; it must not exist, and only you may read it.",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CPIX: encrypt the keys to this certificate (PEM, RSA).",
)
@click.option("--yes-i-know", is_flag=True, help="Do not ask: whoever has the file has the music.")
@pass_invocation
def export(
    invocation: Invocation,
    *,
    track: str | None,
    everything: bool,
    form: str,
    out: Path,
    certificate: Path | None,
    yes_i_know: bool,
) -> None:
    """Write the keys of a TRACK's current revision to a file. They are in the audit before.

    In the clear, unless a CPIX document is encrypted to a certificate.

    headwater keys export "First Light" --to cpix --out first-light.xml
    """
    if (track is None) is not everything:
        raise click.UsageError("give either a TRACK or --all")
    if form == "cpix" and everything:
        raise click.UsageError("a CPIX document is of one track: give a TRACK")
    if certificate is not None and form != "cpix":
        raise click.UsageError("--certificate is for --to cpix")
    recipients = Recipients.from_pem([certificate.read_bytes()]) if certificate else None
    if recipients is None and not yes_i_know:
        click.confirm("Write content keys in the clear?", abort=True, err=True)

    async def run(deps: Deps, auditor: Auditor) -> None:
        place = await _place(deps.catalog, track)
        keys = await key_admin.export(deps.catalog, deps.keyring, auditor, of=place)
        if form == "json" or place is None:
            data = _json(keys)
        else:
            data = _cpix(place[0], keys, deps.settings, recipients)
        write_new(out, data)
        click.echo(f"{out}: {len(keys)} keys", err=True)

    run_task(invocation, "keys export", run)


async def _place(catalog: Catalog, text: str | None) -> tuple[str, str] | None:
    """The track that is meant and its current revision; None for all."""
    track_id = await track_id_of(catalog, text)
    if track_id is None:
        return None
    async with catalog.connect() as tx:
        return track_id, (await tracks.get(tx, track_id)).current_revision or ""


def _json(keys: Sequence[OpenKey]) -> bytes:
    rows = [
        {
            "kid": one.key.kid.hex,
            "key": one.key.key.hex(),
            "iv": one.key.iv.hex(),
            "track_id": one.scope.track_id,
            "revision": one.scope.revision,
            "tier": one.scope.tier,
            "scheme": one.scope.scheme.value,
        }
        for one in keys
    ]
    return (json.dumps({"keys": rows}, indent=2) + "\n").encode("ascii")


def _cpix(
    track_id: str, keys: Sequence[OpenKey], settings: Settings, recipients: Recipients | None
) -> bytes:
    given = [cpix.TierKey(one.key, one.scope.tier, one.scope.scheme) for one in keys]
    systems = key_systems(settings.drm.systems)
    document = cpix.document_for(track_id, given, systems=systems)
    if recipients is not None:
        document = seal_document(document, recipients, datetime.now(UTC))
    return write(document)

"""`headwater keys backup` and `restore`: the KEK under a passphrase, kept elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from configs import paths
from configs.settings import Settings
from drm import kek_backup
from drm.audit import AuditEvent, Auditor
from drm.errors import KekRefused, KekUnavailable
from drm.kek import LocalKek
from drm.kek_env import EnvKek
from drm.secret_file import read_private
from pipeline.cli.compose import (
    Deps,
    Invocation,
    open_audit,
    open_catalog,
    operator,
    pass_invocation,
    run_task,
)
from pipeline.cli.key_tasks import read_passphrase, say, write_new

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Read the passphrase from a file (mode 0600) instead of asking for it.",
)


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@passphrase_option
@pass_invocation
def backup(invocation: Invocation, *, file: Path, passphrase_file: Path | None) -> None:
    """Write the KEK to a new FILE, encrypted by a passphrase. Keep both, apart from each other.

    headwater keys backup /mnt/safe/kek-2026-11.json
    """
    passphrase = read_passphrase(passphrase_file, confirm=True)

    async def run(deps: Deps, auditor: Auditor) -> None:
        kek = deps.keyring.kek
        if not isinstance(kek, (LocalKek, EnvKek)):
            raise KekRefused(f"{kek.id}: it cannot be taken out; its service keeps the backups")
        versions = kek.export()
        text = kek_backup.backup(versions, passphrase)
        what = {"kek": kek.id, "versions": list(versions.numbers)}
        await auditor.record(AuditEvent.KEK_BACKED_UP, "backup", what)
        write_new(file, text)

    run_task(invocation, "keys backup", run)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@passphrase_option
@pass_invocation
def restore(invocation: Invocation, *, file: Path, passphrase_file: Path | None) -> None:
    """Put the KEK of a backup FILE back. What the KEK file holds besides is kept.

    headwater keys restore /mnt/safe/kek-2026-11.json
    """
    settings = invocation.load().settings
    passphrase = read_passphrase(passphrase_file, confirm=False)
    versions = kek_backup.restore(file, read_private(file, KekUnavailable), passphrase)
    # Recorded first: what is not, is not done.
    asyncio.run(_audit_restore(settings, versions.current.id, versions.numbers))
    kek = LocalKek.restore(paths.kek_file(settings), versions)
    say({"kek": kek.id, "versions": ", ".join(map(str, versions.numbers))}, as_json=False)


async def _audit_restore(settings: Settings, kek: str, versions: tuple[int, ...]) -> None:
    what = {"kek": kek, "versions": list(versions)}
    async with open_catalog(settings, make=True) as catalog, open_audit(settings, catalog) as audit:
        auditor = Auditor(audit, operator(), "headwater keys restore")
        await auditor.record(AuditEvent.KEK_RESTORED, "restore", what)

"""`headwater ingest`: masters in, an encrypted adaptive stream out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import click

from configs import paths
from configs.settings import DrmSettings, Settings
from drm.audit import Auditor
from drm.key_provider import KeyProvider
from pipeline.batch import ingest_all, open_workshop
from pipeline.cli.compose import (
    Invocation,
    key_systems,
    open_deps,
    operator,
    pass_invocation,
)
from pipeline.cli.output import FAILED
from pipeline.cli.reporters import make_reporter, summary
from pipeline.cli.storage import require_store
from pipeline.errors import NoMasters
from pipeline.ffmpeg.binaries import find_tools
from pipeline.master import find_masters
from pipeline.progress import Outcome, Reporter, Status

_INTERRUPTED = 130  # as a shell has it: 128 + SIGINT


@click.command("ingest")
@click.argument(
    "paths_",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, readable=False),
)
@click.option("--jobs", type=int, help="Masters side by side.  [default: one per core]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each track.")
@click.option("--id", "operator_id", metavar="ID", help="Your own id of the track (one file).")
@click.option(
    "--scheme",
    type=click.Choice(["cbcs", "cenc", "clear"]),
    help="How tracks are encrypted.  [default: ingest.scheme]",
)
@pass_invocation
def ingest_command(
    invocation: Invocation,
    paths_: tuple[Path, ...],
    jobs: int | None,
    operator_id: str | None,
    scheme: str | None,
    *,
    as_json: bool,
) -> None:
    """Encode, package, encrypt and publish masters: files and folders.

    Takes WAV, FLAC, AIFF and ALAC, mono or stereo, 16 bits and more. A track is known by its
    ISRC, else by your own id (--id, or `id:` in a <master>.yaml beside it), else by its file's
    hash. Doing it again changes nothing. Exit code 0: all are in, 1: some failed, 2: wrong usage.

    headwater ingest --jobs 2 ~/masters/album
    """
    settings = invocation.load({"ingest.jobs": jobs, "ingest.scheme": scheme}).settings
    try:
        masters, skipped = find_masters(paths_)
    except NoMasters as exc:
        raise click.UsageError(str(exc)) from exc
    if operator_id is not None and len(masters) != 1:
        raise click.UsageError(f"--id names one track, but there are {len(masters)} masters")
    if skipped:
        click.echo(f"left out: {skipped} files of lossy or other audio, by their names", err=True)
    reporter = make_reporter(as_json=as_json)
    try:
        outcomes = asyncio.run(_ingest(settings, masters, reporter, operator_id))
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("interrupted: what was not finished is not published", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None
    click.echo(summary(outcomes), err=True)
    if any(outcome.status is Status.FAILED for outcome in outcomes):
        raise click.exceptions.Exit(FAILED)


async def _ingest(
    settings: Settings, masters: Sequence[Path], reporter: Reporter, operator_id: str | None
) -> tuple[Outcome, ...]:
    _end_on_sigterm()
    tools = await find_tools(settings.ffmpeg)
    async with (
        open_deps(settings) as deps,
        _open_key_provider(settings.drm) as key_provider,
        open_workshop(
            store=deps.store,
            catalog=deps.catalog,
            keyring=deps.keyring,
            auditor=Auditor(deps.audit, operator(), "headwater ingest"),
            ladder=deps.ladder,
            tools=tools,
            settings=settings.ingest,
            tenant=settings.tenant,
            temp=paths.temp_path(settings),
            systems=key_systems(settings.drm.systems),
        ) as shop,
    ):
        await require_store(deps.store)
        whole = replace(shop, key_provider=key_provider, jobs=settings.jobs)
        return await ingest_all(whole, masters, reporter, operator_id=operator_id)


@asynccontextmanager
async def _open_key_provider(settings: DrmSettings) -> AsyncIterator[KeyProvider | None]:
    """The vendor that makes content keys; None where we do."""
    if settings.key_provider == "local" or settings.speke_url is None:
        yield None
        return
    from pipeline.cli.speke import open_speke_client  # noqa: PLC0415 - slow to load, rarely needed

    async with open_speke_client(settings, settings.speke_url) as client:
        yield client


def _end_on_sigterm() -> None:
    """SIGTERM ends as Ctrl-C does: ffmpeg is ended, the private folder goes."""
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # no signals on this system's loop
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

"""`headwater ingest`: masters in, an encrypted adaptive stream out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from catalog.engine import Catalog
from catalog.records import JobQueue
from configs.settings import Settings
from pipeline.batch import ingest_all
from pipeline.cli.buckets import find_objects, make_masters
from pipeline.cli.compose import Invocation, open_catalog, open_deps, pass_invocation
from pipeline.cli.executors import make_submitter
from pipeline.cli.outcomes import summary
from pipeline.cli.output import FAILED, write_json
from pipeline.cli.reporters import make_reporter
from pipeline.cli.workshop import open_whole_workshop
from pipeline.errors import NoMasters, shown
from pipeline.executors import Order
from pipeline.master import find_masters
from pipeline.masters import is_remote, path_of
from pipeline.progress import Outcome, Reporter, Status
from pipeline.submission import submit_all

_INTERRUPTED = 130  # as a shell has it: 128 + SIGINT


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to be ingested, and how."""

    masters: Sequence[Path]
    queue: JobQueue
    operator_id: str | None
    scheme: str | None


@click.command("ingest")
@click.argument(
    "paths_",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(readable=False),
)
@click.option("--jobs", type=int, help="Masters side by side.  [default: one per core]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each track.")
@click.option("--id", "operator_id", metavar="ID", help="Your own id of the track (one file).")
@click.option(
    "--scheme",
    type=click.Choice(["cbcs", "cenc", "clear"]),
    help="How tracks are encrypted.  [default: ingest.scheme]",
)
@click.option(
    "--queue",
    type=click.Choice([queue.value for queue in JobQueue]),
    default=JobQueue.HOT.value,
    show_default=True,
    help="Workers take what is hot first, and the bulk when nothing is.",
)
@click.option("--detach", is_flag=True, help="Only queue the jobs, for workers to do.")
@pass_invocation
def ingest_command(
    invocation: Invocation,
    paths_: tuple[str, ...],
    jobs: int | None,
    operator_id: str | None,
    scheme: str | None,
    queue: str,
    *,
    as_json: bool,
    detach: bool,
) -> None:
    """Encode, package, encrypt and publish masters. A PATH is a file, a folder, or s3://bucket/key.

    Takes WAV, FLAC, AIFF and ALAC, mono or stereo, 16 bits and more. A track is known by its
    ISRC, else by your own id (--id, or `id:` in a <master>.yaml beside it), else by its file's
    hash. Doing it again changes nothing. Exit code 0: all are in, 1: some failed, 2: wrong usage.

    headwater ingest --jobs 2 ~/masters/album
    """
    settings = invocation.load({"ingest.jobs": jobs, "ingest.scheme": scheme}).settings
    masters = _find(settings, paths_)
    if operator_id is not None and len(masters) != 1:
        raise click.UsageError(f"--id names one track, but there are {len(masters)} masters")
    batch = _Batch(masters, JobQueue(queue), operator_id, scheme)
    if detach:
        asyncio.run(_detach(settings, batch, as_json=as_json))
        return
    reporter = make_reporter(as_json=as_json)
    is_local = settings.jobs.executor == "local"
    run = _ingest if is_local else _watch
    try:
        outcomes = asyncio.run(run(settings, batch, reporter))
    except (KeyboardInterrupt, asyncio.CancelledError):
        left = "what was not finished is not published" if is_local else "the jobs go on"
        click.echo(f"interrupted: {left}", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None
    click.echo(summary(outcomes), err=True)
    if any(one.status in {Status.FAILED, Status.CANCELED} for one in outcomes):
        raise click.exceptions.Exit(FAILED)


def _find(settings: Settings, texts: Sequence[str]) -> list[Path]:
    try:
        given = [path_of(text) for text in texts]
        files = [path for path in given if not is_remote(path)]
        masters, skipped = find_masters(files) if files else ([], 0)
        remote = [path for path in given if is_remote(path)]
        masters += asyncio.run(find_objects(settings, remote)) if remote else []
    except NoMasters as exc:
        raise click.UsageError(str(exc)) from exc
    if skipped:
        click.echo(f"left out: {skipped} files of lossy or other audio, by their names", err=True)
    return masters


async def _ingest(settings: Settings, batch: _Batch, reporter: Reporter) -> tuple[Outcome, ...]:
    """Do it here."""
    _end_on_sigterm()
    async with open_whole_workshop(settings, "ingest") as shop:
        return await ingest_all(
            shop,
            batch.masters,
            reporter,
            operator_id=batch.operator_id,
            queue=batch.queue,
            scheme=batch.scheme,
            masters=make_masters(settings),
        )


async def _watch(settings: Settings, batch: _Batch, reporter: Reporter) -> tuple[Outcome, ...]:
    """Have it done by workers, and watch them."""
    from pipeline.executors.remote import RemoteExecutor  # noqa: PLC0415 - rarely needed

    _end_on_sigterm()
    async with open_deps(settings) as deps:
        orders = await _submit(deps.catalog, settings, batch)
        submitter = make_submitter(settings.jobs, deps.catalog)
        reporter.begin(batch.masters)
        try:
            executor = RemoteExecutor(deps.catalog, deps.store, submitter, reporter)
            return tuple([outcome async for outcome in executor.run(orders)])
        finally:
            reporter.end()


async def _detach(settings: Settings, batch: _Batch, *, as_json: bool) -> None:
    """Leave it to workers."""
    async with open_catalog(settings, make=True) as catalog:
        orders = await _submit(catalog, settings, batch)
        submitter = make_submitter(settings.jobs, catalog)
        is_told = await submitter.deliver([order.job_id for order in orders], batch.queue)
    for order in orders:
        if as_json:
            write_json({"job_id": order.job_id, "source": shown(order.source)})
        else:
            click.echo(order.job_id)
    told = "" if is_told else "; the broker is away, workers will find them by themselves"
    click.echo(f"{len(orders)} jobs in the {batch.queue} queue{told}", err=True)


async def _submit(catalog: Catalog, settings: Settings, batch: _Batch) -> tuple[Order, ...]:
    """Write a job for each master."""
    return await submit_all(
        catalog,
        batch.masters,
        tenant=settings.tenant,
        queue=batch.queue,
        operator_id=batch.operator_id,
        scheme=batch.scheme,
        now=datetime.now(UTC),
    )


def _end_on_sigterm() -> None:
    """SIGTERM ends as Ctrl-C does: ffmpeg is ended, the private folder goes."""
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # no signals on this system's loop
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)

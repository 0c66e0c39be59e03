"""`headwater gc`: what nobody needs any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click

from catalog.errors import CatalogError
from configs import paths
from configs.settings import Settings
from drm.audit import Auditor
from pipeline.cli.compose import Deps, Invocation, cold_store, pass_invocation, run_task
from pipeline.cli.output import Failure, failure_of, printable, write_json
from pipeline.errors import PipelineError
from pipeline.housekeeping.archive import keep_archive
from pipeline.housekeeping.collect import (
    Item,
    Run,
    TooMuch,
    collect_orphans,
    collect_revisions,
    collect_writes,
)
from pipeline.housekeeping.shared import collect_covers, collect_masters
from pipeline.housekeeping.uploads import collect_uploads
from storage.base import StorageError


@click.command("gc")
@click.option("--delete", is_flag=True, help="Remove it. Without this, only say what would go.")
@click.option("--force", is_flag=True, help="Remove orphans even if most of the storage is one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per thing.")
@pass_invocation
def gc_command(invocation: Invocation, *, delete: bool, force: bool, as_json: bool) -> None:
    """Find what nobody needs any more, and with --delete remove it.

    That is: revisions that were replaced, after housekeeping.revision_grace_s; objects that belong
    to no revision, after housekeeping.orphan_age_s; covers that nothing shows; writes that never
    ended; uploads that expired, were refused, or whose job is over; and masters, as ingest.archive
    says. It may run while others ingest and listen. What fails keeps nothing else from being done.

    \b
    headwater gc
    headwater gc --delete
    """  # noqa: D301 - click wants a real backspace
    items: list[Item] = []
    failed: list[str] = []

    def on_item(item: Item) -> None:
        items.append(item)
        _show(item, as_json=as_json)

    async def task(deps: Deps, _: Auditor) -> None:
        run = Run(
            deps.catalog,
            deps.store,
            deps.settings.housekeeping,
            lambda: datetime.now(UTC),
            delete=delete,
            force=force,
            on_item=on_item,
            on_note=lambda note: click.echo(printable(note), err=True),
        )
        for name, step in _steps(run, deps.settings):
            try:
                await step
            except TooMuch:
                raise  # the wrong catalog, maybe: covers, masters and uploads would go as well
            except (PipelineError, CatalogError, StorageError, OSError) as exc:
                click.echo(f"{name}: {failure_of(exc).message}", err=True)
                failed.append(name)

    run_task(invocation, "gc", task)
    if not as_json:
        _summarize(items, deleted=delete)
    if failed:
        raise Failure(f"{', '.join(failed)}: not done to the end (all else is)")


def _steps(run: Run, settings: Settings) -> Iterator[tuple[str, Awaitable[None]]]:
    """What is done, in this order: what a step leaves when it is killed, a later one finds."""
    yield "revisions", collect_revisions(run)
    yield "orphans", collect_orphans(run)
    yield "covers", collect_covers(run)
    cold, temp = cold_store(settings), paths.temp_path(settings)
    yield "archive", keep_archive(run, settings.ingest, cold, temp)
    yield "masters", collect_masters(run)
    yield "writes", collect_writes(run)
    yield "uploads", collect_uploads(run, settings.uploads, paths.uploads_path(settings))


def _show(item: Item, *, as_json: bool) -> None:
    if as_json:
        write_json(asdict(item))
        return
    click.echo(f"{item.kind}  {item.name}  {item.bytes / 1e6:.1f} MB  {item.why}")


def _summarize(items: list[Item], *, deleted: bool) -> None:
    if not items:
        click.echo("nothing to collect", err=True)
        return
    counts = ", ".join(
        f"{count} x {kind}" for kind, count in Counter(i.kind for i in items).items()
    )
    size = sum(item.bytes for item in items) / 1e6
    done = "removed" if deleted else "would go (say --delete)"
    click.echo(f"{counts}: {size:.1f} MB {done}", err=True)

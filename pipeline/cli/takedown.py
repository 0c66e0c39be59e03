"""`headwater takedown`: a track out of everybody's reach."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import click

from catalog import releases, takedowns, tracks
from drm.audit import Auditor
from pipeline.cli.compose import (
    Deps,
    Invocation,
    cold_store,
    key_systems,
    pass_invocation,
    run_task,
)
from pipeline.cli.key_tasks import track_id_of
from pipeline.cli.output import Failure, write_json
from pipeline.cli.purges import purge_of, tell_caches
from pipeline.housekeeping.collect import Run
from pipeline.housekeeping.takedown import Takedown, TakenAway
from pipeline.purging import Purge

_ALL = 10_000  # tracks of a release
_DESTROYED = """\
The keys are gone from this catalog. They can come back from other places, so see to these, too:
  - backups and replicas of the catalog that are older than now hold the wrapped keys;
  - whoever has such a backup needs the KEK as well: its other copies matter (`headwater keys
    rotate`, then `headwater keys retire` make old backups useless, for every track in them);
  - exports of keys (`headwater audit list --event keys.exported`), and masters that lie elsewhere;
  - PostgreSQL keeps deleted rows until VACUUM, and its archived WAL keeps them for as long as it is
    kept; file systems and S3 buckets with versions or snapshots keep deleted objects."""


@click.command("takedown")
@click.argument("track")
@click.option("--release", "is_release", is_flag=True, help="TRACK is a release's id: all of it.")
@click.option("--reason", help="Why, for the audit: a notice's number, a name.")
@click.option("--destroy-keys", is_flag=True, help="For good: keys, objects and masters go.")
@click.option("--lift", is_flag=True, help="Undo a takedown whose keys were not destroyed.")
@click.option("--yes", is_flag=True, help="Do not ask before keys are destroyed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per track.")
@pass_invocation
def takedown_command(
    invocation: Invocation,
    *,
    track: str,
    is_release: bool,
    reason: str | None,
    destroy_keys: bool,
    lift: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take a TRACK from everybody, until --lift or for good.

    It goes out of the catalog, the manifests and the caches. No delivery brings it back, and
    nothing but --lift gives it free. With --destroy-keys it is for good: its wrapped keys are
    deleted, which makes every copy of its encrypted files useless, and all of its objects and
    archived masters with them.

    \b
    headwater takedown "First Light" --reason "notice 2026-117"
    headwater takedown QZABC2600001 --reason "notice 2026-117" --destroy-keys
    headwater takedown "First Light" --lift
    """  # noqa: D301 - click wants a real backspace
    if lift and (destroy_keys or reason):
        raise click.UsageError("--lift stands alone")
    if not lift and not reason:
        raise click.UsageError("say why, with --reason: it is kept in the audit")
    if destroy_keys and not yes:
        click.confirm(f"Destroy {track!r} for good?", abort=True, err=True)

    async def task(deps: Deps, auditor: Auditor) -> tuple[list[TakenAway], Purge]:
        ids = await _tracks(deps, track, is_release=is_release)
        takedown = _takedown(deps, auditor)
        if lift:
            for one in await _taken_down(deps, track, ids):
                count = await takedown.lift(one)
                click.echo(f"{one}: free again, {count} manifests written; still unpublished")
            return [], Purge(())
        async with deps.catalog.connect(fresh=True) as tx:  # before anything is gone
            purge = await purge_of(tx, deps.settings, ids)
        run = _run(deps) if destroy_keys else None
        return [await takedown.take_down(one, reason or "", run) for one in ids], purge

    taken, purge = run_task(invocation, "takedown", task)
    for one in taken:
        _show(one, destroyed=destroy_keys, as_json=as_json)
    if destroy_keys:
        click.echo(_DESTROYED, err=True)
    if taken:
        asyncio.run(tell_caches(invocation.load().settings, purge))
    _require_all_gone(taken)


async def _tracks(deps: Deps, text: str, *, is_release: bool) -> list[str]:
    if not is_release:
        return [await track_id_of(deps.catalog, text) or ""]
    async with deps.catalog.connect(fresh=True) as tx:
        await releases.get(tx, text)
        found = await tracks.list_page(tx, after=None, limit=_ALL, release_id=text)
    if not found:
        raise Failure(f"{text}: the release has no tracks")
    return [one.track_id for one in found]


async def _taken_down(deps: Deps, text: str, ids: Sequence[str]) -> list[str]:
    """Those of which there is a takedown: of others the audit would tell what never was."""
    async with deps.catalog.connect(fresh=True) as tx:
        found = [one for one in ids if await takedowns.get(tx, one) is not None]
    if not found:
        raise Failure(f"{text}: it is not taken down: there is nothing to lift")
    return found


def _takedown(deps: Deps, auditor: Auditor) -> Takedown:
    return Takedown(
        deps.catalog,
        deps.store,
        auditor,
        lambda: datetime.now(UTC),
        key_systems(deps.settings.drm.systems),
        cold_store(deps.settings),
        on_note=lambda note: click.echo(note, err=True),
    )


def _run(deps: Deps) -> Run:
    run = Run(deps.catalog, deps.store, deps.settings.housekeeping, lambda: datetime.now(UTC))
    return replace(run, delete=True, on_note=lambda note: click.echo(note, err=True))


def _require_all_gone(taken: list[TakenAway]) -> None:
    if kept := [key for one in taken for key in one.kept]:
        raise Failure(f"{', '.join(kept)}: still there; all else is done (run the command again)")


def _show(one: TakenAway, *, destroyed: bool, as_json: bool) -> None:
    if as_json:
        write_json(asdict(one))
        return
    what = "destroyed" if destroyed else "taken down"
    counts = f"{len(one.revisions)} revisions, {one.objects} objects deleted"
    if destroyed:
        counts += f", {len(one.keys)} keys and {len(one.masters)} masters"
    click.echo(f"{one.track_id}  {what}: {counts}")
    for path in one.purge:
        click.echo(f"purge from caches: {path}*", err=True)

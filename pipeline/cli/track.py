"""`headwater track`: look at tracks, correct them, and decide who may have them, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click

from catalog import publish, takedowns, tracks
from catalog.engine import Catalog, Tx
from catalog.records import RevisionRecord, TrackRecord, TrackStatus
from configs.settings import Settings
from drm.audit import AuditEvent, Auditor
from pipeline.cli.compose import (
    Invocation,
    open_audit,
    open_catalog,
    operator,
    pass_invocation,
)
from pipeline.cli.instants import parse_instant
from pipeline.cli.lookup import one_track
from pipeline.cli.output import duration, instant, write_fields, write_json, write_table
from pipeline.cli.purges import purge_of, tell_caches
from pipeline.cli.rights import rights_group
from pipeline.cli.track_view import revision_object, track_object
from pipeline.purging import Purge

_PAGE = 500
_CLEARABLE = ("number", "genre", "date", "copyright", "lyrics")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON objects, one a line."
)
Change = Callable[[Tx, str, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Decision:
    """Of who may have a track, and when: kept in the audit."""

    event: AuditEvent
    command: str
    what: dict[str, object] = field(default_factory=dict)


@click.group("track")
def track_group() -> None:
    """Look at tracks and change them. A TRACK is an id, an ISRC or an exact title."""


track_group.add_command(rights_group)


@track_group.command("list")
@json_option
@pass_invocation
def list_(invocation: Invocation, *, as_json: bool) -> None:
    """List all tracks."""

    def show(found: Sequence[TrackRecord]) -> None:
        if as_json:
            for track in found:
                write_json(track_object(track))
        elif found:
            now = datetime.now(UTC)
            write_table(
                (track.track_id, _state(track, now), duration(track.duration_s), _label(track))
                for track in found
            )

    asyncio.run(_show_all(invocation, show))


@track_group.command("show")
@click.argument("track")
@json_option
@pass_invocation
def show(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """Show what the catalog knows of a TRACK."""
    found = asyncio.run(_one(invocation, track))
    if as_json:
        write_json(track_object(found))
    else:
        fields = {**track_object(found), "artists": ", ".join(found.artists)}
        write_fields({**fields, "duration_s": duration(found.duration_s)})


@track_group.command("revisions")
@click.argument("track")
@json_option
@pass_invocation
def revisions(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """List the revisions of a TRACK; the current one is marked."""
    found, all_revisions = asyncio.run(_revisions(invocation, track))
    current = found.current_revision
    if as_json:
        for one in all_revisions:
            write_json(revision_object(one, is_current=one.draft.revision == current))
    else:
        write_table(
            (
                one.draft.revision,
                "current" if one.draft.revision == current else "",
                instant(one.created_at),
                ", ".join(rendition.name for rendition in one.draft.renditions),
            )
            for one in all_revisions
        )


@track_group.command("edit")
@click.argument("track")
@click.option("--title", help="Title of the recording.")
@click.option("--artists", help='Credited artists, in order, separated by ";".')
@click.option("--genre", help="Genre.")
@click.option("--date", help="Date: YYYY, YYYY-MM or YYYY-MM-DD.")
@click.option("--copyright", help="Copyright line.")
@click.option("--lyrics", help="Lyrics.")
@click.option("--disc", type=click.IntRange(min=1), help="Number of the disc.")
@click.option("--number", type=click.IntRange(min=1), help="Number on the disc.")
@click.option("--clear", multiple=True, type=click.Choice(_CLEARABLE), help="Forget this field.")
@json_option
@pass_invocation
def edit(
    invocation: Invocation,
    /,
    *,
    track: str,
    clear: tuple[str, ...],
    as_json: bool,
    **fields: str | int | None,
) -> None:
    """Correct the metadata of a TRACK. Its sound and its URLs stay as they are.

    headwater track edit "first light (final)" --title "First Light"
    """
    changes: dict[str, str | int | None] = dict.fromkeys(clear)
    for name, value in fields.items():
        if value is not None:
            if name in changes:
                raise click.UsageError(f"--{name} and --clear {name} contradict each other")
            changes[name] = value
    if not changes:
        raise click.UsageError("nothing to change: give at least one option")
    _change(
        invocation,
        track,
        lambda tx, track_id, now: publish.edit(tx, track_id, changes, now),
        as_json=as_json,
    )


@track_group.command("unpublish")
@click.argument("track")
@json_option
@pass_invocation
def unpublish(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """Take a TRACK away from listeners; nothing is deleted."""
    decision = _Decision(AuditEvent.UNPUBLISHED, "unpublish")
    _change(invocation, track, publish.unpublish, decision, as_json=as_json, takes_away=True)


@track_group.command("publish")
@click.argument("track")
@json_option
@pass_invocation
def publish_(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """Give an unpublished TRACK back to listeners."""
    decision = _Decision(AuditEvent.PUBLISHED, "publish")
    _change(invocation, track, publish.republish, decision, as_json=as_json)


@track_group.command("embargo")
@click.argument("track")
@click.argument("until", required=False)
@click.option("--lift", is_flag=True, help="End the embargo now.")
@json_option
@pass_invocation
def embargo(
    invocation: Invocation, *, track: str, until: str | None, lift: bool, as_json: bool
) -> None:
    """Keep a TRACK from listeners UNTIL an instant (ISO 8601; UTC unless it says otherwise).

    headwater track embargo "First Light" 2026-12-01T00:00+01:00
    """
    if (until is None) is not lift:
        raise click.UsageError("give either UNTIL or --lift")
    moment = None if until is None else parse_instant(until, "UNTIL")
    _change(
        invocation,
        track,
        lambda tx, track_id, now: publish.embargo(tx, track_id, moment, now),
        _Decision(AuditEvent.EMBARGOED, "embargo", {"until": moment and instant(moment)}),
        as_json=as_json,
        takes_away=moment is not None,
    )


@track_group.command("rollback")
@click.argument("track")
@click.argument("revision")
@json_option
@pass_invocation
def rollback(invocation: Invocation, *, track: str, revision: str, as_json: bool) -> None:
    """Make an earlier REVISION of a TRACK the current one (see `track revisions`)."""
    _change(
        invocation,
        track,
        lambda tx, track_id, now: publish.rollback(tx, track_id, revision, now),
        as_json=as_json,
        takes_away=True,
    )


def _change(
    invocation: Invocation,
    text: str,
    change: Change,
    decision: _Decision | None = None,
    *,
    as_json: bool,
    takes_away: bool = False,
) -> None:
    """Apply a change in one transaction, show the track as it then is, and tell the caches."""
    settings = invocation.load().settings
    after, purge = asyncio.run(_apply(settings, text, change, decision))
    if as_json:
        write_json(track_object(after))
    else:
        write_table([(after.track_id, _state(after, datetime.now(UTC)), _label(after))])
    if takes_away:
        asyncio.run(tell_caches(settings, purge))


async def _apply(
    settings: Settings, text: str, change: Change, decision: _Decision | None
) -> tuple[TrackRecord, Purge]:
    async with open_catalog(settings) as catalog:
        if decision is not None:
            await _record(settings, catalog, text, decision)
        async with catalog.begin() as tx:
            track = await one_track(tx, text)
            await change(tx, track.track_id, datetime.now(UTC))
        async with catalog.connect(fresh=True) as tx:
            purge = await purge_of(tx, settings, [track.track_id])
            return await tracks.get(tx, track.track_id), purge


async def _record(settings: Settings, catalog: Catalog, text: str, decision: _Decision) -> None:
    """Keep a decision before it is so: what is not recorded does not happen."""
    async with catalog.connect(fresh=True) as tx:
        track_id = (await one_track(tx, text)).track_id
        if decision.event is AuditEvent.PUBLISHED:
            await takedowns.require_none(tx, track_id)
    async with open_audit(settings, catalog) as audit:
        auditor = Auditor(audit, operator(), f"headwater track {decision.command}")
        await auditor.record(decision.event, "command", {"track": track_id, **decision.what})


async def _show_all(invocation: Invocation, show: Callable[[Sequence[TrackRecord]], None]) -> None:
    """Page by page, however many there are."""
    after: str | None = None
    async with open_catalog(invocation.load().settings) as catalog:
        while True:
            async with catalog.connect() as tx:
                page = await tracks.list_page(tx, after=after, limit=_PAGE)
            show(page)
            if len(page) < _PAGE:
                return
            after = page[-1].track_id


async def _one(invocation: Invocation, text: str) -> TrackRecord:
    settings = invocation.load().settings
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        return await one_track(tx, text)


async def _revisions(
    invocation: Invocation, text: str
) -> tuple[TrackRecord, tuple[RevisionRecord, ...]]:
    settings = invocation.load().settings
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        track = await one_track(tx, text)
        return track, await tracks.revisions(tx, track.track_id)


def _state(track: TrackRecord, now: datetime) -> str:
    """Say `published`, `unpublished`, or the end of a running embargo."""
    if (
        track.status is TrackStatus.PUBLISHED
        and track.available_from is not None
        and now < track.available_from
    ):
        return f"embargoed until {instant(track.available_from)}"
    return track.status.value


def _label(track: TrackRecord) -> str:
    return f"{', '.join(track.artists)} - {track.title}"

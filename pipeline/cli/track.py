"""`headwater track`: look at tracks, correct them, and decide who may have them, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click

from catalog import publish, takedowns, tracks
from catalog.edits import checked
from catalog.engine import Tx
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
_MAX_TEXT = 256  # characters of an edited field that the audit keeps: lyrics are long

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON objects, one a line."
)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What an operator decides about a track: kept in the audit, then done."""

    event: AuditEvent
    command: str
    change: Callable[[Tx, str, datetime], Awaitable[None]]
    what: dict[str, object] = field(default_factory=dict)
    check: Callable[[Tx, str], Awaitable[object]] | None = None  # raises where it cannot be done
    takes_away: bool = False  # what caches may still have


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
    kept = {name: _brief(value) for name, value in checked(changes).items()}
    decision = _Decision(
        AuditEvent.EDITED,
        "edit",
        lambda tx, track_id, now: publish.edit(tx, track_id, changes, now),
        {"changes": kept},
    )
    _decide(invocation, track, decision, as_json=as_json)


@track_group.command("unpublish")
@click.argument("track")
@json_option
@pass_invocation
def unpublish(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """Take a TRACK away from listeners; nothing is deleted."""
    event = AuditEvent.UNPUBLISHED
    decision = _Decision(event, "unpublish", publish.unpublish, takes_away=True)
    _decide(invocation, track, decision, as_json=as_json)


@track_group.command("publish")
@click.argument("track")
@json_option
@pass_invocation
def publish_(invocation: Invocation, *, track: str, as_json: bool) -> None:
    """Give an unpublished TRACK back to listeners."""
    event, check = AuditEvent.PUBLISHED, takedowns.require_none
    decision = _Decision(event, "publish", publish.republish, check=check)
    _decide(invocation, track, decision, as_json=as_json)


@track_group.command("embargo")
@click.argument("track")
@click.argument("until", required=False)
@click.option("--lift", is_flag=True, help="End the embargo now.")
@json_option
@pass_invocation
def embargo(
    invocation: Invocation, *, track: str, until: str | None, lift: bool, as_json: bool
) -> None:
    """Keep a TRACK from listeners UNTIL an instant. In ISO 8601; UTC unless it says otherwise.

    headwater track embargo "First Light" 2026-12-01T00:00+01:00
    """
    if (until is None) is not lift:
        raise click.UsageError("give either UNTIL or --lift")
    moment = None if until is None else parse_instant(until, "UNTIL")
    decision = _Decision(
        AuditEvent.EMBARGOED,
        "embargo",
        lambda tx, track_id, now: publish.embargo(tx, track_id, moment, now),
        {"until": moment and instant(moment)},
        takes_away=moment is not None,
    )
    _decide(invocation, track, decision, as_json=as_json)


@track_group.command("rollback")
@click.argument("track")
@click.argument("revision")
@json_option
@pass_invocation
def rollback(invocation: Invocation, *, track: str, revision: str, as_json: bool) -> None:
    """Make an earlier REVISION of a TRACK the current one. `track revisions` lists them."""
    decision = _Decision(
        AuditEvent.ROLLED_BACK,
        "rollback",
        lambda tx, track_id, now: publish.rollback(tx, track_id, revision, now),
        {"revision": revision},
        check=lambda tx, track_id: tracks.revision(tx, track_id, revision),
        takes_away=True,
    )
    _decide(invocation, track, decision, as_json=as_json)


def _decide(invocation: Invocation, text: str, decision: _Decision, *, as_json: bool) -> None:
    """Do what was decided, show the track as it then is, and tell the caches."""
    settings = invocation.load().settings
    after, purge = asyncio.run(_apply(settings, text, decision))
    if as_json:
        write_json(track_object(after))
    else:
        write_table([(after.track_id, _state(after, datetime.now(UTC)), _label(after))])
    if decision.takes_away:
        asyncio.run(tell_caches(settings, purge))


async def _apply(settings: Settings, text: str, decision: _Decision) -> tuple[TrackRecord, Purge]:
    async with open_catalog(settings) as catalog:
        async with catalog.connect(fresh=True) as tx:
            track_id = (await one_track(tx, text)).track_id
            if decision.check is not None:
                await decision.check(tx, track_id)
        # Before it is so: what is not recorded does not happen.
        async with open_audit(settings, catalog) as audit:
            auditor = Auditor(audit, operator(), f"headwater track {decision.command}")
            await auditor.record(decision.event, "command", {"track": track_id, **decision.what})
        async with catalog.begin() as tx:
            await decision.change(tx, track_id, datetime.now(UTC))
        async with catalog.connect(fresh=True) as tx:
            purge = await purge_of(tx, settings, [track_id])
            return await tracks.get(tx, track_id), purge


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


def _brief(value: object) -> object:
    """A field's new value as the audit keeps it."""
    return value[:_MAX_TEXT] if isinstance(value, str) else value

"""`headwater track rights`: where and when listeners may have a track, and whether to keep it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import click

from catalog import rights
from catalog.engine import Catalog
from catalog.records import RightsRecord, WindowRecord
from drm.audit import AuditEvent, Auditor
from drm.territories import EVERYWHERE, territory
from pipeline.cli.compose import (
    Invocation,
    open_audit,
    open_catalog,
    operator,
    pass_invocation,
)
from pipeline.cli.instants import parse_instant
from pipeline.cli.lookup import one_release, one_track
from pipeline.cli.output import Failure, instant, write_fields, write_json, write_table

_WORLD = "world"  # how "*" is typed: shells have other plans with a star

release_option = click.option(
    "--release", is_flag=True, help="TRACK is a release: an id, a UPC or an exact title."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


@click.group("rights")
def rights_group() -> None:
    """Where and when listeners may have a TRACK. A track's own rights count, else its release's.

    A track without any may be had everywhere and always, once it is published.
    """


@rights_group.command("set")
@click.argument("track")
@click.option(
    "--in",
    "allowed",
    multiple=True,
    metavar="TERRITORY[:START/END]",
    help="An ISO 3166-1 code, or `world`: all that are not named. END itself is out.",
)
@click.option("--not-in", "excepted", multiple=True, metavar="TERRITORY", help="Not there.")
@click.option("--offline/--no-offline", default=True, help="Whether licenses may be kept.")
@release_option
@json_option
@pass_invocation
def set_(
    invocation: Invocation,
    *,
    track: str,
    allowed: tuple[str, ...],
    excepted: tuple[str, ...],
    offline: bool,
    release: bool,
    as_json: bool,
) -> None:
    """Set the rights of a TRACK, in place of those it had.

    headwater track rights set Snowline --in DE:2026-12-01/2028-12-01 --in FR:2027-01-01/
    """
    windows = [_window(text) for text in allowed]
    if excepted and not windows:
        windows.append(WindowRecord(EVERYWHERE, None, None))
    named = {one.territory for one in windows}
    for text in excepted:
        code = _territory(text, "--not-in")
        if code in named:
            raise click.UsageError(f"--in {code} and --not-in {code} contradict each other")
        windows.append(WindowRecord(code, None, None, licensed=False))
    record = asyncio.run(_set(invocation, track, tuple(windows), offline=offline, release=release))
    _show(record, as_json=as_json)


@rights_group.command("show")
@click.argument("track")
@release_option
@json_option
@pass_invocation
def show(invocation: Invocation, *, track: str, release: bool, as_json: bool) -> None:
    """Show the rights that count for a TRACK, and whose they are.

    headwater track rights show Snowline
    """
    record = asyncio.run(_find(invocation, track, release=release))
    if record is not None:
        _show(record, as_json=as_json)
    elif as_json:
        write_json(None)
    else:
        click.echo("no rights: everywhere and always, once it is published")


@rights_group.command("clear")
@click.argument("track")
@release_option
@pass_invocation
def clear(invocation: Invocation, *, track: str, release: bool) -> None:
    """Forget the rights of a TRACK. Then its release's count, or none limit it.

    headwater track rights clear Snowline
    """
    owner = asyncio.run(_clear(invocation, track, release=release))
    click.echo(f"{owner}  cleared")


async def _set(
    invocation: Invocation,
    text: str,
    windows: tuple[WindowRecord, ...],
    *,
    offline: bool,
    release: bool,
) -> RightsRecord:
    settings = invocation.load().settings
    async with open_catalog(settings) as catalog, open_audit(settings, catalog) as audit:
        owner = (await _owners(catalog, text, release=release))[0]
        record = RightsRecord(owner, windows, offline, datetime.now(UTC))
        auditor = Auditor(audit, operator(), "headwater track rights set")
        # Before it is so: what is not recorded does not happen.
        await auditor.record(AuditEvent.RIGHTS_SET, "command", _described(record))
        async with catalog.begin() as tx:
            await rights.put(tx, record)
    return record


async def _clear(invocation: Invocation, text: str, *, release: bool) -> str:
    settings = invocation.load().settings
    async with open_catalog(settings) as catalog, open_audit(settings, catalog) as audit:
        owner = (await _owners(catalog, text, release=release))[0]
        async with catalog.connect() as tx:
            if owner not in await rights.of_owners(tx, [owner]):
                raise Failure(f"{owner}: has no rights of its own (nothing to clear)")
        auditor = Auditor(audit, operator(), "headwater track rights clear")
        await auditor.record(AuditEvent.RIGHTS_CLEARED, "command", {"owner": owner})
        async with catalog.begin() as tx:
            await rights.clear(tx, owner)
    return owner


async def _find(invocation: Invocation, text: str, *, release: bool) -> RightsRecord | None:
    settings = invocation.load().settings
    async with open_catalog(settings) as catalog:
        owners = await _owners(catalog, text, release=release)
        async with catalog.connect() as tx:
            found = await rights.of_owners(tx, owners)
    return next((found[one] for one in owners if one in found), None)


async def _owners(catalog: Catalog, text: str, *, release: bool) -> list[str]:
    """Whose rights may count: the track's and its release's, or the release's."""
    async with catalog.connect() as tx:
        if release:
            return [(await one_release(tx, text)).release_id]
        track = await one_track(tx, text)
    return [track.track_id] + ([track.release_id] if track.release_id else [])


def _window(text: str) -> WindowRecord:
    place, colon, span = text.partition(":")
    code = _territory(place, "--in")
    if not colon:
        return WindowRecord(code, None, None)
    begins, slash, ends = span.partition("/")
    if not slash:
        raise click.BadParameter(f"{text!r}: write {place}:START/END", param_hint="--in")
    start = parse_instant(begins, "--in") if begins else None
    end = parse_instant(ends, "--in") if ends else None
    if start is not None and end is not None and start >= end:
        raise click.BadParameter(f"{text!r} ends before it begins", param_hint="--in")
    return WindowRecord(code, start, end)


def _territory(text: str, hint: str) -> str:
    if text in {_WORLD, EVERYWHERE} and hint == "--in":
        return EVERYWHERE
    code = territory(text)
    if code is None:
        message = f"{text!r} is no territory of ISO 3166-1 like DE or GB"
        raise click.BadParameter(message, param_hint=hint)
    return code


def _show(record: RightsRecord, *, as_json: bool) -> None:
    described = _described(record)
    if as_json:
        write_json(described)
        return
    write_fields({"owner": record.owner, "offline": "yes" if record.offline else "no"})
    if not record.windows:
        click.echo("everywhere and always")
    write_table(_row(one) for one in record.windows)


def _row(one: WindowRecord) -> tuple[str, str, str]:
    place = _WORLD if one.territory == EVERYWHERE else one.territory
    if not one.licensed:
        return place, "not licensed", ""
    start = "since ever" if one.starts_at is None else f"from {instant(one.starts_at)}"
    return place, start, "for ever" if one.ends_at is None else f"to {instant(one.ends_at)}"


def _described(record: RightsRecord) -> dict[str, Any]:
    return {
        "owner": record.owner,
        "offline": record.offline,
        "windows": [
            {
                "territory": one.territory,
                "licensed": one.licensed,
                "start": one.starts_at and instant(one.starts_at),
                "end": one.ends_at and instant(one.ends_at),
            }
            for one in record.windows
        ],
        "updated_at": instant(record.updated_at),
    }

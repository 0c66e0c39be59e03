"""`headwater audit`: who got or did what with keys, and the proof that the record is whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import click

from catalog import audit as rows
from catalog.audit import AuditFilter
from catalog.engine import Catalog
from catalog.records import AuditRecord
from configs import paths
from configs.settings import Settings
from drm.audit import open_key
from drm.audit_check import Verified, verify
from drm.errors import AuditBroken
from pipeline.cli.compose import Invocation, open_catalog, pass_invocation
from pipeline.cli.key_tasks import say
from pipeline.cli.output import Failure, instant, write_json, write_table

_PAGE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.group("audit")
def audit_group() -> None:
    """Read the record of keys, licenses, denials and decisions."""


@audit_group.command("verify")
@click.option("--mark", help="What an earlier run printed: all there was then must still be there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@pass_invocation
def verify_command(invocation: Invocation, *, mark: str | None, as_json: bool) -> None:
    """Find every entry that was edited, moved or taken out. Exit code 1 if there is one.

    Prints a mark: keep it where nobody can reach it who can write to the catalog.

    headwater audit verify
    """
    settings = invocation.load().settings
    try:
        verified = asyncio.run(_verify(settings, mark))
    except AuditBroken as exc:
        raise Failure(*(f"audit: {problem}" for problem in exc.problems)) from exc
    row = {"entries": verified.entries, "chains": verified.chains, "mark": verified.mark}
    say(row, as_json=as_json)


@audit_group.command("list")
@click.argument("text", required=False)
@click.option("--event", help="Only these: license, key, denied, key.created, ...")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON objects, one a line.")
@pass_invocation
def list_(
    invocation: Invocation, *, text: str | None, event: str | None, limit: int, as_json: bool
) -> None:
    """Show the newest entries. All, or those with TEXT in who, what or whence.

    headwater audit list 203.0.113.7 --event denied
    """
    settings = invocation.load().settings
    found = asyncio.run(_newest(settings, AuditFilter(event, text), limit))
    if as_json:
        for entry in found:
            write_json(_object(entry))
    else:
        write_table(
            (_at(entry.at_us), entry.event, entry.why, entry.who, entry.whence, entry.what)
            for entry in found
        )


@audit_group.command("export")
@click.option("--since", metavar="INSTANT", help="From this instant on (ISO 8601).")
@click.option("--until", metavar="INSTANT", help="Up to this instant (ISO 8601).")
@pass_invocation
def export(invocation: Invocation, *, since: str | None, until: str | None) -> None:
    """Print entries as JSON lines, the oldest first. Each with its chain, position and hash.

    headwater audit export --since 2026-11-01 > audit.jsonl
    """
    settings = invocation.load().settings
    wanted = AuditFilter(
        since_us=None if since is None else _microseconds(since),
        until_us=None if until is None else _microseconds(until),
    )
    asyncio.run(_export(settings, wanted))


async def _verify(settings: Settings, mark: str | None) -> Verified:
    key = open_key(paths.audit_file(settings), create=False)
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        return await verify(tx, key, mark)


async def _newest(settings: Settings, wanted: AuditFilter, limit: int) -> tuple[AuditRecord, ...]:
    async with open_catalog(settings) as catalog, catalog.connect() as tx:
        return await rows.newest(tx, wanted, limit)


async def _export(settings: Settings, wanted: AuditFilter) -> None:
    async with open_catalog(settings) as catalog:
        async for entry in _pages(catalog, wanted):
            write_json(_object(entry))


async def _pages(catalog: Catalog, wanted: AuditFilter) -> AsyncIterator[AuditRecord]:
    last: AuditRecord | None = None
    while True:
        async with catalog.connect() as tx:
            page = await rows.page(tx, wanted, last, _PAGE)
        for row in page:
            for entry in rows.matching(row, wanted):
                yield entry
        if len(page) < _PAGE:
            return
        last = page[-1]


def _object(entry: AuditRecord) -> dict[str, object]:
    return {
        "at": _at(entry.at_us),
        "at_us": entry.at_us,
        "event": entry.event,
        "who": entry.who,
        "what": _json(entry.what),
        "whence": entry.whence,
        "why": entry.why,
        "chain": entry.chain,
        "position": entry.position,
        "hash": entry.hash.hex(),
    }


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:  # it was edited: `verify` says so, and here it can be read
        return text


def _at(at_us: int) -> str:
    return instant(_EPOCH + timedelta(microseconds=at_us))


def _microseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no instant (ISO 8601)") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)

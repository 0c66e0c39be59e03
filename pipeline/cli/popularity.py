"""`headwater popularity`: how often tracks are played, which orders what search finds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO

import click

from catalog import popularity
from catalog.plays import KEPT_DAYS
from configs.settings import Settings
from pipeline import plays
from pipeline.cli.compose import Invocation, open_catalog, pass_invocation
from pipeline.cli.output import Failure

_MOST = 2**62  # plays


@click.group("popularity")
def popularity_group() -> None:
    """Say how often tracks are played. Search, trending and top songs are in that order."""


@popularity_group.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@pass_invocation
def import_(invocation: Invocation, *, file: TextIO) -> None:
    """Read plays from FILE (- is stdin). A JSON object per line, with "track" (an id or an ISRC)
    and "plays". Other tracks keep what they have.

    headwater popularity import plays.jsonl
    """  # noqa: D205 - one sentence
    given = dict(_lines(file))
    unknown = asyncio.run(_import(invocation.load().settings, given))
    click.echo(f"{len(given) - len(unknown)} tracks")
    if unknown:
        some = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
        raise Failure(f"{len(unknown)} tracks are not in the catalog: {some}")


@popularity_group.command("count")
@click.option("--days", type=click.IntRange(1, KEPT_DAYS), default=28, show_default=True)
@click.option("--half-life", type=click.FloatRange(0.1, 3660), default=7.0, show_default=True)
@pass_invocation
def count(invocation: Invocation, *, days: int, half_life: float) -> None:
    """Count the songs that were begun, in so many days with today. Older plays count for less.

    A play of HALF-LIFE days ago counts half. What has not been played in that time is popular no
    more. Run it every night.

    headwater popularity count --days 28 --half-life 7
    """
    played, forgotten = asyncio.run(_count(invocation.load().settings, days, half_life))
    click.echo(f"{played} tracks were played, {forgotten} are not any more")


def _lines(file: TextIO) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            track, plays_ = one["track"], one["plays"]
        except (ValueError, TypeError, KeyError):
            track = plays_ = None
        if not isinstance(track, str) or type(plays_) is not int or not 0 <= plays_ <= _MOST:
            msg = f'line {number}: is not like {{"track": "QZABC2600001", "plays": 17}}'
            raise Failure(msg)
        yield track, plays_


async def _import(settings: Settings, given: dict[str, int]) -> list[str]:
    async with open_catalog(settings) as catalog:
        async with catalog.connect() as tx:
            found = await popularity.ids_of(tx, tuple(given))
        known = {one: given[name] for name in given for one in found.get(name, ())}
        await plays.put(catalog, known)
    return [name for name in given if name not in found]


async def _count(settings: Settings, days: int, half_life: float) -> tuple[int, int]:
    async with open_catalog(settings) as catalog:
        played = await plays.counted(catalog, datetime.now(UTC), days, half_life)
        async with catalog.connect() as tx:
            before = await popularity.popular_ids(tx)
        forgotten = [one for one in before if one not in played]
        await plays.put(catalog, {**played, **dict.fromkeys(forgotten, 0)})
        return len(played), len(forgotten)

"""How often songs were begun."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from catalog import plays, popularity, publish
from catalog.engine import Catalog
from catalog.plays import KEPT_DAYS, Played
from tests.support.publications import make_publication

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
A, B, C = ("t" + letter * 20 for letter in "abc")


async def add(catalog: Catalog, *played: Played, today: int = 100) -> None:
    async with catalog.begin() as tx:
        await plays.add(tx, played, today)


async def kept(catalog: Catalog, since: int = 0) -> list[Played]:
    """Read page by page."""
    found: list[Played] = []
    async with catalog.connect() as tx:
        while page := await plays.page(tx, since, found[-1] if found else None, 2):
            found += page
    return found


def test_a_day_begins_everywhere_at_once() -> None:
    east = timezone(timedelta(hours=14))
    assert plays.day_of(datetime(1970, 1, 2, 13, tzinfo=east)) == 0
    assert plays.day_of(datetime(1970, 1, 2, tzinfo=UTC)) == 1


async def test_what_several_workers_count_is_one_sum(catalog: Catalog) -> None:
    one, other = (Played(99, A, 1), Played(100, B, 2)), (Played(100, B, 5), Played(99, A, 3))
    await asyncio.gather(*(add(catalog, *played) for played in (one, other) * 4))
    assert await kept(catalog) == [Played(99, A, 16), Played(100, B, 28)]
    assert await kept(catalog, since=100) == [Played(100, B, 28)]


async def test_tracks_are_found_by_what_those_who_count_call_them(catalog: Catalog) -> None:
    """Their statements, as all of this fixture's, have to find rows by an index."""
    async with catalog.begin() as tx:
        for letter, isrc in (("a", "QZABC2600001"), ("b", None)):
            await publish.publish(tx, make_publication(letter, isrc=isrc), NOW)
        found = await popularity.ids_of(tx, [B, "QZABC2600001", "Song a"])
        assert found == {B: [B], "QZABC2600001": [A]}
        await popularity.put(tx, {A: 3})
        assert await popularity.popular_ids(tx) == [A]


async def test_what_is_too_old_is_forgotten_some_at_a_time(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plays, "_FORGOTTEN_AT_ONCE", 2)
    await add(catalog, *(Played(day, track, 1) for day in (1, 2) for track in (A, B, C)), today=2)
    await add(catalog, Played(50, A, 1), today=KEPT_DAYS)
    assert len(await kept(catalog)) == 7
    await add(catalog, Played(50, A, 1), today=KEPT_DAYS + 1)
    assert [one[:2] for one in await kept(catalog)] == [(1, C), (2, A), (2, B), (2, C), (50, A)]
    await add(catalog, Played(50, A, 1), today=KEPT_DAYS + 1)
    assert [one[:2] for one in await kept(catalog)] == [(2, A), (2, B), (2, C), (50, A)]

"""No query reads a whole table, and no page is sorted: flat from a thousand tracks to millions.

What the other tests ask is looked at in `conftest.catalog`; here is what they do not ask, and that
pages come in the order of an index.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from catalog import (
    alternate_names,
    artists,
    audit,
    deliveries,
    housekeeping,
    jobs,
    keys,
    masters,
    names,
    popularity,
    publish,
    releases,
    search,
    spelling,
    takedowns,
    tracks,
    uploads,
)
from catalog.audit import AuditFilter
from catalog.engine import Catalog, Tx
from catalog.records import AuditRecord, JobQueue, JobState
from catalog.schema import metadata
from catalog.schema import tracks as track_rows
from catalog.search_entries import Kind
from tests.catalog import plans
from tests.support.publications import make_publication

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20
NOW = datetime.fromisoformat("2026-11-21T08:00:00+00:00")
ENTRY = AuditRecord("c", 3, 17, "license", "who", "{}", "", "why", b"")

PAGES: dict[str, Callable[[Tx], Awaitable[object]]] = {
    "tracks": lambda tx: tracks.list_page(tx, after=None, limit=9),
    "tracks, inside": lambda tx: tracks.list_page(tx, after=A, limit=9),
    "tracks that may be heard": lambda tx: tracks.list_page(tx, after=A, limit=9, now=NOW),
    "releases": lambda tx: releases.list_page(tx, after=None, limit=9),
    "releases, inside": lambda tx: releases.list_page(tx, after=RELEASE, limit=9),
    "releases that may be heard": lambda tx: releases.list_page(
        tx, after=RELEASE, limit=9, now=NOW
    ),
    "tracks, popular ones": lambda tx: tracks.popular(tx, limit=9, now=NOW),
    "artists": lambda tx: artists.list_page(tx, after=None, limit=9, now=NOW),
    "artists, inside": lambda tx: artists.list_page(tx, after=1, limit=9, now=NOW),
    "top songs": lambda tx: artists.top_tracks(tx, 1, limit=9, now=NOW),
    "keys": lambda tx: keys.page(tx, b"", 9),
    "keys under another KEK": lambda tx: keys.not_under(tx, "local", 1, b"", 9),
    "jobs": lambda tx: jobs.list_page(tx, limit=9),
    "audit": lambda tx: audit.newest(tx, AuditFilter(), 9),
    "audit since": lambda tx: audit.newest(tx, AuditFilter(since_us=17), 9),
    "audit, inside": lambda tx: audit.page(tx, AuditFilter(), ENTRY, 9),
    "audit of a chain": lambda tx: audit.of_chain(tx, "c", 3, 9),
    "stored revisions": lambda tx: housekeeping.revision_page(tx, ("", ""), 9),
    "stored releases": lambda tx: housekeeping.release_page(tx, "", 9),
}
OTHERS: dict[str, Callable[[Tx], Awaitable[object]]] = {
    "artist": lambda tx: artists.get(tx, 1, NOW),
    "artist, whether there is one": lambda tx: artists.require(tx, 1, NOW),
    "names of what was found": lambda tx: names.of_items(
        tx, {Kind.TRACK: [A], Kind.RELEASE: [RELEASE], Kind.ARTIST: ["1"]}, NOW
    ),
    "artists of ids": lambda tx: artists.of_ids(tx, [1, 2], NOW),
    "tracks of ids": lambda tx: tracks.of_ids(tx, [A, A]),
    "releases of ids": lambda tx: releases.of_ids(tx, [RELEASE], NOW),
    "release, what may be heard": lambda tx: releases.get(tx, RELEASE, now=NOW),
    "tracks of a release, counted": lambda tx: tracks.count(tx, NOW, release_id=RELEASE),
    "by ISRC": lambda tx: search.search(tx, "QZHDW2600001", tuple(Kind), limit=9),
    "by UPC": lambda tx: search.search(tx, "0012345", tuple(Kind), limit=9),
    "popularity": lambda tx: popularity.put(tx, {A: 7}),
    "other names": lambda tx: alternate_names.put(tx, A, ["Lied"]),
    "superseded": lambda tx: housekeeping.superseded_page(tx, NOW, ("", ""), 9),
    "expire": lambda tx: housekeeping.expire(tx, (A, "2" * 16), NOW),
    "known": lambda tx: housekeeping.known(tx, {(A, "1" * 16)}),
    "being written": housekeeping.being_written,
    "published lately": lambda tx: housekeeping.published_since(tx, NOW),
    "covers in use": lambda tx: housekeeping.covers_in_use(tx, ["covers/a", "covers/b"]),
    "writers": housekeeping.keep_writers_out,
    "masters": lambda tx: masters.of_track(tx, A),
    "known masters": lambda tx: masters.known(tx, {"masters/a"}),
    "taken down": lambda tx: takedowns.get(tx, A),
    "jobs that failed": lambda tx: jobs.list_page(tx, states=(JobState.FAILED,), limit=9),
    "jobs, counted": jobs.count,
    "jobs before a new one": lambda tx: deliveries.count_ahead(tx, JobQueue.BULK),
    "uploads of a label": lambda tx: uploads.usage(tx, "label", NOW, NOW),
    "bytes to come": lambda tx: uploads.outstanding(tx, NOW),
    "release of others": lambda tx: uploads.is_release_of_others(tx, "label", RELEASE),
    "loudness of a release": lambda tx: releases.loudness_of_tracks(tx, RELEASE, without=[A]),
}


# What listeners wait for: each goes to the database and back once (ADR 28).
ONE_STATEMENT: dict[str, Callable[[Tx], Awaitable[object]]] = {
    "track": lambda tx: tracks.get(tx, A),
    "track by ISRC": lambda tx: tracks.find(tx, "QZHDW2600001"),
    "release": lambda tx: releases.get(tx, RELEASE, now=NOW),
    "its tracks": lambda tx: tracks.list_page(tx, after=None, limit=9, release_id=RELEASE, now=NOW),
    "tracks, the second page of two": lambda tx: tracks.list_page(
        tx, after=None, offset=1, limit=1, now=NOW
    ),
    "artist": lambda tx: artists.get(tx, 1, NOW),
    "top songs": lambda tx: artists.top_tracks(tx, 1, limit=9, now=NOW),
    "popular": lambda tx: tracks.popular(tx, limit=9, now=NOW),
    "key": lambda tx: keys.of_kids(tx, [b"k" * 16]),
    "revisions": lambda tx: tracks.revisions(tx, A),
    "revision by master": lambda tx: tracks.find_revision(tx, A, "0" * 64, "0"),
}


@pytest.fixture
async def filled(catalog: Catalog, now: datetime) -> Catalog:
    for n, letter in enumerate("abc"):
        one = make_publication(letter, revision=f"{n + 1}")
        async with catalog.begin() as tx:
            await publish.publish(tx, one, now - timedelta(days=n))
            newer = replace(one.revision, revision="9" * 15 + f"{n}", master_sha256=f"{n}" * 64)
            await publish.publish(tx, replace(one, revision=newer, keys=()), now)
    return catalog


@pytest.mark.parametrize("name", PAGES)
async def test_pages_come_in_the_order_of_an_index(filled: Catalog, name: str) -> None:
    with plans.heard(filled) as statements:
        async with filled.connect() as tx:
            await PAGES[name](tx)
    async with filled.begin() as tx:
        for statement, parameters in statements.items():
            assert not await tx.run_sync(plans.sorts, statement, parameters), statement


@pytest.mark.parametrize("name", OTHERS)
async def test_nothing_else_reads_a_whole_table(filled: Catalog, name: str) -> None:
    async with filled.begin() as tx:
        await OTHERS[name](tx)


@pytest.mark.parametrize("name", ONE_STATEMENT)
async def test_a_look_up_is_one_statement(filled: Catalog, name: str) -> None:
    with plans.counted(filled) as statements:
        async with filled.glance() as tx:
            await ONE_STATEMENT[name](tx)
    assert len(statements) == 1, statements


async def test_a_search_takes_few_statements(filled: Catalog) -> None:
    most = {"sqlite": 2, "postgresql": 4}  # its words; the popular ones, some others, all
    for typed, spelled in (("song ", 0), ("song label a", 0), ("sogn ", 1), ("sogn labbl ", 1)):
        with plans.counted(filled) as statements:
            async with filled.glance() as tx:
                await search.search(tx, typed, tuple(Kind), limit=9)
                dialect = tx.dialect.name
        assert len(statements) <= most[dialect] + spelled, (typed, statements)


async def test_search_reads_no_whole_table(filled: Catalog) -> None:
    """Its statements are text, which the others' ears are deaf to."""
    values = {"most": 9, "name": "song", "name_end": "song~"}
    async with filled.begin() as tx:
        dialect = tx.dialect.name
        values["query"] = '"song"*' if dialect == "sqlite" else "'song':*"
        for tier in ("AND weight >= 10 ", "AND hot ", ""):
            statement = search._statement(dialect, tuple(Kind), tier, is_first=True)
            compiled = statement.compile(dialect=tx.dialect)
            found = await tx.run_sync(
                plans.unindexed,
                str(compiled),
                tuple(values[name] for name in compiled.positiontup or ()) or values,
            )
            assert not found & metadata.tables.keys()  # the rest is what it has found, a hundred
        assert await spelling.meant(tx, ["sogn"]) == {"sogn": {"song"}}


async def test_what_has_no_index_is_found_out(catalog: Catalog) -> None:
    with plans.heard(catalog) as statements:
        async with catalog.connect() as tx:
            await tx.execute(select(track_rows).where(track_rows.c.genre == "Folk"))
            await tx.execute(select(track_rows.c.track_id).order_by(track_rows.c.genre))
    async with catalog.begin() as tx:
        first, second = statements.items()
        assert await tx.run_sync(plans.unindexed, *first) == {"tracks"}
        assert not await tx.run_sync(plans.sorts, *first)
        assert await tx.run_sync(plans.sorts, *second)
    plans.forgive(first[0], second[0])

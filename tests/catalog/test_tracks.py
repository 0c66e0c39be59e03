"""Reading tracks: pages, order, search, revisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from catalog import publish, releases, tracks
from catalog.engine import Catalog
from catalog.errors import NotFound
from catalog.records import ReleaseDraft
from tests.support.publications import make_publication

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20


async def test_a_release_is_in_order_of_disc_number_title_and_id(
    catalog: Catalog, now: datetime
) -> None:
    placed: dict[str, dict[str, Any]] = {
        "f": {"disc": 1, "number": 1, "title": "Zebra"},
        "e": {"disc": 1, "number": 2, "title": "Älg"},
        "d": {"disc": 1, "number": 2, "title": "Bear"},
        "c": {"disc": 1, "number": None, "title": "Ape"},
        "b": {"disc": 2, "number": 1, "title": "Same"},
        "a": {"disc": 2, "number": 1, "title": "same"},
    }
    async with catalog.begin() as tx:
        for letter, place in placed.items():
            await publish.publish(tx, make_publication(letter, **place), now)
        await publish.publish(tx, make_publication("g", release=None), now)
    seen: list[str] = []
    async with catalog.connect() as tx:
        while page := await tracks.list_page(
            tx, after="t" + seen[-1] * 20 if seen else None, limit=2, release_id=RELEASE
        ):
            assert len(page) <= 2
            seen += [one.track_id[1] for one in page]
    assert seen == ["f", "e", "d", "c", "a", "b"]


async def test_all_tracks_are_in_order_of_title(catalog: Catalog, now: datetime) -> None:
    titles = {"a": "Zoo", "b": "éclair", "c": "Apple", "d": "apple"}
    async with catalog.begin() as tx:
        for letter, title in titles.items():
            await publish.publish(tx, make_publication(letter, title=title), now)
    seen: list[str] = []
    async with catalog.connect() as tx:
        while page := await tracks.list_page(
            tx, after="t" + seen[-1] * 20 if seen else None, limit=1
        ):
            seen += [one.track_id[1] for one in page]
        with pytest.raises(NotFound):
            await tracks.list_page(tx, after="t" + "z" * 20, limit=1)
    assert seen == ["c", "d", "b", "a"]


async def test_pages_hold_what_listeners_may_have_at_an_instant(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.begin() as tx:
        for letter in "abc":
            await publish.publish(tx, make_publication(letter), now)
        await publish.unpublish(tx, A, now)
        await publish.embargo(tx, "t" + "b" * 20, now + timedelta(days=1), now)
    async with catalog.connect() as tx:
        page = await tracks.list_page(tx, after=None, limit=9, now=now)
        assert [one.track_id[1] for one in page] == ["c"]
        assert all(one.is_available(now) for one in page)
        assert len(await tracks.list_page(tx, after=None, limit=9)) == 3
        # A cursor may stand on a track that is not available (any more).
        after = await tracks.list_page(tx, after=A, limit=9, now=now)
        assert [one.track_id[1] for one in after] == ["c"]


@pytest.mark.parametrize(
    "text", [A, "GBAYE0601498", "gb-aye-06-01498", "cat-1", "Älgen", "algen", "ALGEN "]
)
async def test_a_track_is_found_by_what_people_type(
    catalog: Catalog, now: datetime, text: str
) -> None:
    one = make_publication(isrc="GBAYE0601498", operator_id="cat-1", title="Älgen")
    async with catalog.begin() as tx:
        await publish.publish(tx, one, now)
        await publish.publish(tx, make_publication("b", title="Älgen II"), now)
    async with catalog.connect() as tx:
        assert [found.track_id for found in await tracks.find(tx, text)] == [A]


@pytest.mark.parametrize("text", ["", " ", "Älg", "%", "song_a"])
async def test_what_is_not_there_is_not_found(catalog: Catalog, now: datetime, text: str) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(title="Song A"), now)
    async with catalog.connect() as tx:
        assert await tracks.find(tx, text) == ()


async def test_one_title_may_be_several_tracks(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for letter in "ba":
            await publish.publish(tx, make_publication(letter, title="Intro"), now)
    async with catalog.connect() as tx:
        assert [one.track_id[1] for one in await tracks.find(tx, "intro")] == ["a", "b"]


async def test_a_revision_is_found_by_its_master_and_recipe(
    catalog: Catalog, now: datetime
) -> None:
    first = make_publication(revision="1")
    again = make_publication(revision="2")
    again = replace(
        again,
        revision=replace(again.revision, master_sha256="1" * 64),
        instead_of=first.revision.revision,
    )
    async with catalog.begin() as tx:
        await publish.publish(tx, first, now)
        await publish.publish(tx, again, now + timedelta(days=1))
        await publish.publish(tx, make_publication(revision="3"), now + timedelta(days=2))
    async with catalog.connect() as tx:
        newest = await tracks.find_revision(tx, A, "1" * 64, "c" * 64)
        assert newest is not None
        assert newest.draft == again.revision
        assert await tracks.find_revision(tx, A, "1" * 64, "d" * 64) is None
        assert await tracks.find_revision(tx, A, "9" * 64, "c" * 64) is None
        assert await tracks.find_revision(tx, "tx", "1" * 64, "c" * 64) is None
    async with catalog.begin() as tx:
        await publish.rollback(tx, A, "1" * 16, now)
        current = await tracks.find_revision(tx, A, "1" * 64, "c" * 64)
    assert current is not None
    assert current.draft == first.revision


async def test_unknown_tracks_and_revisions_are_not_found(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
        for wanted in (
            tracks.get(tx, "tx"),
            tracks.revisions(tx, "tx"),
            tracks.revision(tx, A, "f" * 16),
            releases.get(tx, "rx"),
        ):
            with pytest.raises(NotFound):
                await wanted


async def test_releases_are_in_order_of_artist_date_and_title(
    catalog: Catalog, now: datetime
) -> None:
    made = [
        ("a", "B Side", "Zola", "2020"),
        ("b", "A Side", "Zola", "2020-05-01"),
        ("c", "C Side", "Zola", "2020"),
        ("d", "Late", "Åsa", "2026"),
        ("e", "Undated", "asa", None),
    ]
    async with catalog.begin() as tx:
        for letter, title, artist, date in made:
            draft = ReleaseDraft("r" + letter * 20, title, artist, date=date)
            await publish.publish(tx, make_publication(letter, release=draft), now)
    seen: list[str] = []
    async with catalog.connect() as tx:
        while page := await releases.list_page(
            tx, after="r" + seen[-1] * 20 if seen else None, limit=2
        ):
            seen += [one.release_id[1] for one in page]
        with pytest.raises(NotFound):
            await releases.list_page(tx, after="rx", limit=1)
    assert seen == ["e", "d", "a", "c", "b"]


async def test_listeners_see_releases_with_something_to_hear(
    catalog: Catalog, now: datetime
) -> None:
    other = ReleaseDraft("r" + "b" * 20, "Other", "A")
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication("a"), now)
        await publish.publish(tx, make_publication("b"), now)
        await publish.publish(tx, make_publication("c", release=other), now)
        await publish.unpublish(tx, "t" + "b" * 20, now)
        await publish.unpublish(tx, "t" + "c" * 20, now)
    async with catalog.connect() as tx:
        seen = await releases.list_page(tx, after=None, limit=9, now=now)
        assert [(one.release_id, one.track_count) for one in seen] == [(RELEASE, 1)]
        everything = await releases.list_page(tx, after=None, limit=9)
        assert [one.track_count for one in everything] == [1, 2]
        assert (await releases.get(tx, RELEASE)).track_count == 2


async def test_how_many_tracks_stand_is_one_query(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication("a"), now)
        await publish.publish(tx, make_publication("b", release=None), now)
        await publish.embargo(tx, A, now + timedelta(days=1), now)
        found = await tracks.standings(tx, [A, "t" + "b" * 20, "t" + "c" * 20])
    assert sorted(found) == [A, "t" + "b" * 20]
    assert found[A].release_id == RELEASE
    assert found[A].available_from == now + timedelta(days=1)
    assert (found["t" + "b" * 20].release_id, found["t" + "b" * 20].available_from) == (None, None)
    assert all(one.current_revision == "1" * 16 for one in found.values())

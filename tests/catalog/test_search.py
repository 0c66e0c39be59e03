"""What is found by what is typed, the same on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from catalog import alternate_names, popularity, publish, search, takedowns
from catalog.engine import Catalog
from catalog.records import ReleaseDraft
from catalog.search_entries import Kind
from tests.support.publications import make_publication

SONGS: Mapping[str, tuple[str, str, str, str]] = {  # letter: title, artist, album, ISRC
    "a": ("Dreams", "Fleetwood Mac", "Rumours", "USWB19900179"),
    "b": ("Christmas (Baby Please Come Home)", "Michael Bublé", "Christmas", "USRE11100548"),
    "c": ("Thunderstruck", "AC/DC", "The Razors Edge", "AUAP09000014"),
    "d": ("月亮代表我的心", "邓丽君", "岛国之情歌第四集", "HKA017700001"),
    "e": ("Svefn-g-englar", "Sigur Rós", "Ágætis byrjun", "GBAHK9900021"),
    "f": ("Dream On", "Aerosmith", "Aerosmith", "USSM17300577"),
    "g": ("Rusalka", "Antonín Dvořák", "Opera", "CZA010000001"),
    "h": ("Low", "Flo Rida", "Mail on Sunday", "USAT20704191"),
    "i": ("Slow", "Kylie Minogue", "Body Language", "GBAYE0300948"),
}


def track(letter: str) -> str:
    return "t" + letter * 20


@pytest.fixture
async def filled(catalog: Catalog, now: datetime) -> Catalog:
    for number, (letter, (title, artist, album, isrc)) in enumerate(SONGS.items()):
        release = ReleaseDraft("r" + letter * 20, album, artist, upc=f"{number:012d}")
        draft = make_publication(
            letter, title=title, artists=(artist,), release=release, isrc=isrc, genre="Song"
        )
        async with catalog.begin() as tx:
            await publish.publish(tx, draft, now)
    return catalog


async def found(catalog: Catalog, query: str, kind: Kind = Kind.TRACK) -> str:
    """The letters of what is found, in its order."""
    async with catalog.connect() as tx:
        listed = (await search.search(tx, query, tuple(Kind), limit=9))[kind]
        return "".join(one.item_id[1:2] for one in listed)


TRACKS = {  # typed: the letters of what is found, in order
    "dreams": "a",
    "dream": "fa",  # the whole word first
    "fletwood mac dreems": "a",
    "want christmas bublé": "",
    "christmas bublé": "b",
    "buble baby chr": "b",
    "acdc": "c",
    "AC/DC thunder": "c",
    "丽君": "d",
    "月亮": "d",
    "sigur ros": "e",
    "agaetis": "e",
    "svefn g englar": "e",
    "dvorak": "g",
    "dvroak": "g",
    "low": "h",
    "lwo ": "",  # three letters are meant as they are typed
    "US-WB1-99-00179": "a",
    "usat2": "h",
    "song kylie": "i",
    "aerosmith": "f",
    "!!!": "",
    "' OR \"x* NEAR(": "",
    "a" * 300: "",
}
RELEASES = {
    "rumours": "a",
    "rumuors": "a",
    "fleetwood rumours": "a",
    "000000000004": "e",
}


async def test_what_is_typed_finds_what_is_meant(filled: Catalog) -> None:
    for kind, cases in ((Kind.TRACK, TRACKS), (Kind.RELEASE, RELEASES)):
        assert {typed: await found(filled, typed, kind) for typed in cases} == cases


async def test_an_artist_is_found_by_any_name(filled: Catalog) -> None:
    async with filled.connect() as tx:
        (one,) = (await search.search(tx, "邓丽君", [Kind.ARTIST], limit=9))[Kind.ARTIST]
    async with filled.begin() as tx:
        await alternate_names.put(tx, one.item_id, ["Teresa Teng"])
        assert await alternate_names.of(tx, one.item_id) == ("Teresa Teng",)
    async with filled.connect() as tx:
        found_so = await search.search(tx, "teresa", [Kind.ARTIST], limit=9)
    assert found_so == {Kind.ARTIST: (replace(one, score=found_so[Kind.ARTIST][0].score),)}
    assert await found(filled, "teresa teng") == "d"
    async with filled.begin() as tx:
        await alternate_names.put(tx, one.item_id, [])
    assert await found(filled, "teresa teng") == ""


async def test_the_popular_one_comes_first(filled: Catalog) -> None:
    assert sorted(await found(filled, "song")) == sorted(SONGS)
    async with filled.begin() as tx:
        await popularity.put(tx, {track("b"): 1000, track("i"): 1_000_000, track("z"): 5})
    assert (await found(filled, "song"))[:2] == "ib"
    assert await found(filled, "dreams") == "a"


async def test_what_is_taken_away_is_not_found_and_comes_back(
    filled: Catalog, now: datetime
) -> None:
    async with filled.begin() as tx:
        await publish.unpublish(tx, track("a"), now)
    assert "a" not in await found(filled, "dreams")
    assert await found(filled, "rumours", Kind.RELEASE) == ""
    assert await found(filled, "fleetwood", Kind.ARTIST) == ""
    async with filled.begin() as tx:
        await publish.republish(tx, track("a"), now)
    assert await found(filled, "fleetwood dreams") == "a"
    async with filled.begin() as tx:
        await takedowns.take_down(tx, track("a"), "who", "why", now)
    assert "a" not in await found(filled, "dreams")


async def test_what_is_edited_is_found_as_it_is(filled: Catalog, now: datetime) -> None:
    async with filled.begin() as tx:
        await publish.edit(tx, track("a"), {"title": "Sara", "artists": "Stevie Nicks"}, now)
    assert "a" not in await found(filled, "dreams")
    assert await found(filled, "sara nicks") == "a"
    assert await found(filled, "fleetwood", Kind.ARTIST) == ""


async def test_a_release_that_is_renamed_takes_its_tracks_with_it(
    filled: Catalog, now: datetime
) -> None:
    renamed = ReleaseDraft("r" + "a" * 20, "Rumours (Deluxe)", "Fleetwood Mac")
    draft = make_publication("j", title="Silver Springs", artists=("Fleetwood Mac",))
    async with filled.begin() as tx:
        await publish.publish(
            tx, make_publication("j", title=draft.track.title, release=renamed), now
        )
    assert sorted(await found(filled, "deluxe")) == ["a", "j"]

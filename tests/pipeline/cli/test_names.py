from __future__ import annotations

import asyncio
import json

from catalog import search
from catalog.search_entries import Kind
from pipeline.cli.compose import open_catalog
from tests.support.cli_home import TRACK_ID, Home


def found(home: Home, typed: str) -> list[str]:
    async def run() -> list[str]:
        async with open_catalog(home.settings) as catalog, catalog.connect() as tx:
            answer = await search.search(tx, typed, [Kind.TRACK], limit=9)
            return [one.item_id for one in answer[Kind.TRACK]]

    return asyncio.run(run())


def test_a_track_is_found_by_another_name_until_that_is_cleared(album: Home) -> None:
    album.run("names", TRACK_ID, "Erstes Licht", "Première lueur")
    assert found(album, "erstes li") == [TRACK_ID]
    shown = json.loads(album.run("names", TRACK_ID, "--json").stdout)
    assert shown == {"owner": TRACK_ID, "names": ["Erstes Licht", "Première lueur"]}
    album.run("names", "First Light", "--clear")
    assert found(album, "erstes") == []
    assert album.run("names", TRACK_ID).stdout == ""


def test_an_artists_names_find_their_tracks(album: Home) -> None:
    assert album.run("names", "--artist", "ADA", "Augusta").stdout == "Augusta\n"
    assert found(album, "augusta") == [TRACK_ID]


def test_what_there_is_not_is_told(album: Home) -> None:
    assert "no artist of that name" in album.run("names", "--artist", "Nobody", code=1).stderr
    assert "no track" in album.run("names", "Nothing", "Name", code=1).stderr
    album.run("names", TRACK_ID, "Name", "--clear", code=2)

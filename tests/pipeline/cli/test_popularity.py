from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog import plays, tracks
from catalog.plays import Played
from pipeline.cli.compose import open_catalog
from tests.support.cli_home import TRACK_ID, Home


def popularity(home: Home) -> int:
    async def run() -> int:
        async with open_catalog(home.settings) as catalog, catalog.connect() as tx:
            return (await tracks.get(tx, TRACK_ID)).popularity

    return asyncio.run(run())


def test_plays_are_read_and_what_is_wrong_is_told(
    album: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plays.jsonl"
    file.write_text(f'{{"track": "{TRACK_ID}", "plays": 17}}\n\n')
    assert album.run("popularity", "import", str(file)).stdout == "1 tracks\n"
    assert popularity(album) == 17
    file.write_text(f'{{"track": "{TRACK_ID}", "plays": 3}}\n{{"track": "QZ", "plays": 1}}\n')
    assert "not in the catalog: QZ" in album.run("popularity", "import", str(file), code=1).stderr
    assert popularity(album) == 3
    monkeypatch.setattr("catalog.popularity.IDS_AT_ONCE", 1)
    file.write_text('{"track": "GBAYE0601498", "plays": 5}\n{"track": "First Light", "plays": 1}\n')
    said = album.run("popularity", "import", str(file), code=1).stderr
    assert "1 tracks are not in the catalog: First Light" in said  # a title names nothing here
    assert popularity(album) == 5
    said = album.run("popularity", "count").stdout
    assert said == "0 tracks were played, 1 are not any more\n"
    assert popularity(album) == 0
    for wrong in ("[]", "x", '{"track": 1, "plays": 1}', '{"track": "a", "plays": -1}'):
        file.write_text(wrong)
        assert "line 1" in album.run("popularity", "import", str(file), code=1).stderr


def test_what_was_begun_lately_counts_and_older_plays_for_less(album: Home) -> None:
    today = plays.day_of(datetime.now(UTC))
    ages = {0: 3, 7: 1, 27: 0, 28: 900}  # days: plays; half a play, and none that count

    async def play() -> None:
        async with open_catalog(album.settings) as catalog, catalog.begin() as tx:
            played = [Played(today - age, TRACK_ID, number) for age, number in ages.items()]
            await plays.add(tx, played, today)

    asyncio.run(play())
    said = album.run("popularity", "count").stdout
    assert said == "1 tracks were played, 0 are not any more\n"
    assert popularity(album) == 4  # 3 and a half
    album.run("popularity", "count", "--days", "29", "--half-life", "28")
    assert popularity(album) == 454

"""Every player with every codec, scheme and form: what plays, and what is known not to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser import continuous, matrix
from tests.browser.conftest import ask, headwater, serving
from tests.browser.driver import Browser
from tests.browser.matrix import AES_128, Cell

pytestmark = [pytest.mark.server, pytest.mark.slow]

EVERY_TIER = "standard-premium-lossless"
TIERS = {"aac": "standard", "opus": "premium", "flac": "lossless"}
LADDER = """
tiers: [standard, premium, lossless]
rungs:
  - {name: aac-128k, codec: aac, bitrate_bps: 128000, tier: standard}
  - {name: opus-96k, codec: opus, bitrate_bps: 96000, tier: premium}
  - {name: flac, codec: flac, tier: lossless}
"""
SECONDS = 1.2  # past the first segment, which is one second long
PATIENCE_S = 12  # of a busy machine
DOCUMENT = Path(__file__).parents[2] / "docs" / "players.md"


@pytest.fixture(scope="module")
def playbacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """By scheme: an origin's answer for a short track, with the origin's address."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "ladder.yaml").write_text(LADDER)
    settings = {
        "HEADWATER_INGEST__LADDER": str(folder / "ladder.yaml"),
        "HEADWATER_INGEST__SEGMENT_S": "1",
    }
    master = continuous.make(folder)[0]
    found = {}
    with ExitStack() as origins:
        for scheme in matrix.SCHEMES:
            home = folder / scheme
            home.mkdir()
            headwater(home, "ingest", "--scheme", scheme, str(master), **settings)
            token = headwater(home, "token", "mint", **settings).strip()
            origin = origins.enter_context(serving(home, **settings))
            track = ask(origin, token, "tracks")["tracks"][0]["track_id"]
            found[scheme] = {"origin": origin, **ask(origin, token, f"playback/{track}")}
        yield found
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def played(browser: Browser, playbacks: dict[str, dict[str, Any]]) -> Any:
    return browser.run(
        "matrix",
        playbacks=playbacks,
        cells=[_given(cell, playbacks) for cell in matrix.cells()],
        seconds=SECONDS,
        patience=PATIENCE_S,
    )


def _given(cell: Cell, playbacks: dict[str, dict[str, Any]]) -> dict[str, str]:
    home = "cbcs" if cell.scheme == AES_128 else cell.scheme
    form = f"{cell.row.form}{'-segments' if cell.segments else ''}"
    document = "manifest.mpd" if cell.row.form == "dash" else "multivariant.m3u8"
    folder = playbacks[home]["dash"].split(f"/{EVERY_TIER}/")[0]
    return {
        "name": cell.name,
        "engine": cell.row.engine,
        "home": home,
        "manifest": f"{folder}/{TIERS[cell.codec]}/{form}/{document}",
    }


def _plays(report: dict[str, Any]) -> bool:
    return bool(
        report["currentTime"] > SECONDS and report["decodedBytes"] > 0 and not report["problems"]
    )


@pytest.mark.parametrize("cell", matrix.cells(), ids=lambda cell: cell.name)
def test_a_cell_plays_or_is_a_known_hole(played: Any, cell: Cell) -> None:
    report = played[cell.name]

    assert _plays(report) == (matrix.hole(cell) is None), report
    assert report["outside"] == []


def test_the_page_shows_this_table() -> None:
    assert matrix.document() in DOCUMENT.read_text()

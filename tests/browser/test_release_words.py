"""The lyrics of an album in one piece, and its tracks as chapters, in players of other makers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser import album
from tests.browser.conftest import Home, ask
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

ENGINES = ("shaka-dash", "shaka-hls", "hls", "dash")
# What hls.js is late by: the priming of AAC, at each joint.
LATE_S = 0.1


@pytest.fixture(scope="module")
def visit(browser: Browser, home: Home, origin: str) -> Any:
    token = home.run("token", "mint").strip()
    release = ask(origin, token, "releases")["releases"][0]["release_id"]
    return browser.run(
        "releasewords", session=home.session(origin), release=release, engines=ENGINES
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_come_at_their_times_after_a_track_without_any(visit: Any, engine: str) -> None:
    seen = visit[engine]
    if engine == "dash":
        assert seen["last"] == [], "dash.js has learned it: docs/gapless.md says it has not"
        seen["last"] = [{"at": at, "text": text} for at, text in album.LAST_LINES]
    for found, wanted in ((seen["first"], album.LINES), (seen["last"], album.LAST_LINES)):
        assert [line["text"] for line in found] == [text for _, text in wanted[:2]]
        times = [time for time, _ in wanted[:2]]
        assert [line["at"] for line in found] == pytest.approx(times, abs=LATE_S)
    assert (seen["refusals"], seen["outside"]) == ([], [])


def test_shaka_player_has_the_tracks_as_chapters(visit: Any) -> None:
    seen = visit["shaka-hls"]
    assert [one["title"] for one in seen["chapters"]] == [title for title, *_ in album.TRACKS]
    assert [one["start"] for one in seen["chapters"]] == pytest.approx(seen["starts"])
    assert all(one["images"] for one in seen["chapters"])

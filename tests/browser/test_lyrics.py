"""Lyrics: the players' own text tracks, and the panel of the page."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.album import LINES
from tests.browser.conftest import Home
from tests.browser.driver import Browser
from tests.browser.test_engines import ENGINES

pytestmark = pytest.mark.server

# Shaka Player gives the words of a line without their times.
KEEPS_WORD_TIMES = {"hls", "dash"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def heard(browser: Browser, home: Home, origin: str, pictures: Path) -> Any:
    return browser.run(
        "lyrics",
        session=home.session(origin),
        pictures=str(pictures),
        track=home.tracks[0],
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_players_have_the_lines_at_their_times(heard: Any, engine: str) -> None:
    """Through whole files (DASH) and byte ranges of one file of segments (HLS), each line once."""
    result = heard["engines"][engine]
    assert [one["language"] for one in result["listed"]] == ["en"]
    assert result["twice"] == 0
    found = {_plain(cue["text"]): cue["startTime"] for cue in result["cues"]}
    for start, line in LINES[:4]:
        assert found[line] == pytest.approx(start, abs=0.002)
    assert (result["seen"]["refusals"], result["seen"]["errors"]) == ([], [])


@pytest.mark.parametrize("engine", sorted(KEEPS_WORD_TIMES))
def test_words_keep_their_times(heard: Any, engine: str) -> None:
    texts = {_plain(cue["text"]): cue["text"] for cue in heard["engines"][engine]["cues"]}
    assert texts[LINES[0][1]].startswith("The <00:00:01.300>harbor <00:00:01.600>lights")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_the_panel_follows_the_music_and_goes_where_a_line_is_clicked(
    heard: Any, screen: str
) -> None:
    seen = heard[screen]
    assert seen["lines"] == [line for _, line in LINES]
    starts = {line: start for start, line in LINES}
    moments: list[dict[str, Any]] = [*seen["followed"], seen["jumped"]]
    first, later = moments[0], moments[1:]
    assert starts[first["text"]] <= first["time"]
    for moment in later:
        assert starts[moment["text"]] <= moment["time"] < starts[moment["text"]] + 1
        assert moment["sung"] >= 1
    assert seen["jumped"]["text"] == LINES[3][1]
    assert seen["inSight"]


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_the_lock_screen_has_the_cover_in_its_sizes(heard: Any, screen: str) -> None:
    assert heard[screen]["artwork"] == ["96x96", "320x320", "640x640"]


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_nothing_fails(heard: Any, screen: str, pictures: Path) -> None:
    seen = heard[screen]["seen"]
    assert (seen["refusals"], seen["outside"], seen["errors"]) == ([], [], [])
    assert (pictures / f"{screen}-lyrics.png").exists()


def _plain(cue: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", cue))

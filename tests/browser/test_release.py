"""An album in one piece on the player page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import album
from tests.browser.conftest import Home
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

PLACES = {"first": 0, "second": 1, "third": 2, "back": 1, "apart": 1}


@pytest.fixture(scope="module")
def visit(
    browser: Browser, home: Home, origin: str, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    pictures = tmp_path_factory.mktemp("pictures")
    length = album.TRACKS[0][1]
    report = browser.run(
        "release", session=home.session(origin), pictures=str(pictures), length=length
    )
    return report | {"home": home, "picture": pictures / "release.png"}


@pytest.mark.parametrize("place", PLACES)
def test_the_track_that_is_heard_is_shown(visit: Any, place: str) -> None:
    """After its end, by a key in both directions, and when the release is taken apart."""
    number = PLACES[place]
    assert visit[place]["track"] == visit["home"].tracks[number]
    assert visit[place]["title"] == album.TRACKS[number][0]
    assert visit[place]["position"] < 8
    assert visit[place]["encrypted"]


def test_the_joints_are_on_one_element_until_gapless_is_off(visit: Any) -> None:
    assert visit["sameElement"]
    assert not visit["stillSame"]


def test_the_qualities_are_those_of_the_release(visit: Any) -> None:
    """Opus is of single tracks only."""
    together, apart = visit["second"]["choices"], visit["apart"]["choices"]
    assert set(apart) - set(together) == {"opus-96k"}
    for place in ("first", "second", "third", "back"):
        assert visit[place]["rendition"] in together


def test_nothing_fails_and_nothing_outside_is_asked(visit: Any) -> None:
    seen = visit["seen"]
    assert (seen["refusals"], seen["outside"], seen["errors"]) == ([], [], [])
    assert any("/releases/" in one and one.endswith("manifest.mpd") for one in seen["requests"])


def test_a_refused_release_is_played_in_pieces_and_asked_for_once(visit: Any) -> None:
    posts = [one.rpartition("playback/")[2] for one in visit["refused"]]
    release, first, second = posts
    assert release.startswith("releases/")
    assert (first, second) == visit["home"].tracks[:2]


def test_a_picture_was_taken(visit: Any) -> None:
    picture: Path = visit["picture"]
    assert picture.exists()

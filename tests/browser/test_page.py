"""The player page, clicked through on a phone and on a desktop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import album
from tests.browser.conftest import Home
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

PHONE = {"viewport": {"width": 390, "height": 844}, "isMobile": True, "hasTouch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
# Name: the engine that starts, and the screen. Each then changes to another engine.
VISITS: dict[str, tuple[str, dict[str, Any]]] = {
    "phone-light": ("hls", {**PHONE, "colorScheme": "light"}),
    "phone-dark": ("shaka-dash", {**PHONE, "colorScheme": "dark"}),
    "desktop-light": ("dash", {**DESKTOP, "colorScheme": "light"}),
    "desktop-dark": ("shaka-hls", {**DESKTOP, "colorScheme": "dark"}),
}


@pytest.fixture(scope="module", params=VISITS)
def visit(
    request: pytest.FixtureRequest,
    browser: Browser,
    home: Home,
    origin: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    engine, screen = VISITS[request.param]
    pictures = tmp_path_factory.mktemp("pictures")
    report = browser.run(
        "page",
        origin=origin,
        session=home.session(origin),
        pictures=str(pictures),
        name=request.param,
        engine=engine,
        screen=screen,
    )
    return report | {"home": home, "pictures": pictures}


def test_the_session_leaves_the_address_bar(visit: Any) -> None:
    assert "session" not in visit["address"]


def test_the_catalog_is_shown_with_its_covers(visit: Any) -> None:
    assert visit["titles"] == [title for title, *_ in album.TRACKS]
    assert visit["covers"] == 1
    assert sorted(visit["songs"]) == sorted(visit["titles"])


def test_a_click_plays_and_the_others_follow(visit: Any) -> None:
    """The first by a click, the second by a key, the third because the second ended."""
    order = [visit[which]["track"] for which in ("first", "second", "third")]
    assert order == list(visit["home"].tracks)
    assert all(visit[which]["decodedBytes"] > 0 for which in ("first", "second", "third"))


def test_the_panel_tells_what_is_heard(visit: Any) -> None:
    facts = visit["facts"]
    assert facts["bitrate"].endswith("kbit/s")
    assert "kHz" in facts["resolution"]
    assert float(facts["buffer"].removesuffix(" s")) > 1
    assert facts["switches"].isdigit()
    assert facts["loudness"].endswith("LUFS")
    tiers = ["Automatic", "Lossless", "Premium", "Standard", "Standard", "Standard"]
    assert visit["choices"] == tiers


def test_another_engine_goes_on_where_the_first_was(visit: Any) -> None:
    resumed = visit["resumed"]
    assert resumed["before"] < resumed["after"] < resumed["before"] + 6


def test_keys_and_buttons_do_what_they_say(visit: Any) -> None:
    assert visit["muted"]
    assert visit["paused"]


def test_every_control_has_a_name_and_everything_fits(visit: Any) -> None:
    assert (visit["unnamed"], visit["wider"]) == ([], [])


def test_nothing_fails_and_nothing_outside_is_asked(visit: Any) -> None:
    seen = visit["seen"]
    assert (seen["refusals"], seen["outside"], seen["errors"]) == ([], [], [])


def test_pictures_were_taken(visit: Any) -> None:
    pictures: Path = visit["pictures"]
    assert len(list(pictures.glob("*.png"))) == 5

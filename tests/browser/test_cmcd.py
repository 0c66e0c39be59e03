"""Each player says what listening is like, and the origin's figures say it after them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from origin import cmcd
from scripts.servers import free_port
from tests.browser.conftest import Home, serving
from tests.browser.driver import Browser
from tests.support.scrape import Scrape, scrape

pytestmark = [pytest.mark.server, pytest.mark.slow]

ENGINES = ("shaka-dash", "shaka-hls", "dash", "hls")
SECONDS = 6.0


@pytest.fixture(scope="module")
def heard(browser: Browser, home: Home) -> tuple[Any, Scrape]:
    port = free_port()
    with serving(home.path, HEADWATER_MONITORING__PORT=str(port)) as url:
        seen = browser.run(
            "cmcd", session=home.session(url), engines=list(ENGINES), seconds=SECONDS
        )
        time.sleep(0.5)
        return seen, scrape(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("engine", ENGINES)
def test_requests_carry_what_we_read(heard: tuple[Any, Scrape], engine: str) -> None:
    reports = [cmcd.parse(text) for text in heard[0][engine]["queries"]]
    media = [one for one in reports if one.duration_ms]
    assert media
    for one in media:
        assert one.version == 2
        assert one.session
    assert any(one.bitrate_kbps for one in media)
    assert len({one.session for one in reports}) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_events_are_told(heard: tuple[Any, Scrape], engine: str) -> None:
    lines = [line for body in heard[0][engine]["bodies"] for line in body.splitlines()]
    reports = [cmcd.parse(line) for line in lines if line]
    assert {one.session for one in reports} != {None}
    assert any(one.state == "p" for one in reports) is not engine.startswith("shaka")
    assert all(one.at_ms for one in reports)
    assert heard[0][engine]["seen"]["refusals"] == []


def test_the_figures_say_what_the_players_said(heard: tuple[Any, Scrape]) -> None:
    _, figures = heard
    assert figures.of("headwater_cmcd_reports_total", outcome="malformed") == 0
    assert figures.of("headwater_cmcd_reports_total", mode="request", outcome="read") > 4
    assert figures.of("headwater_cmcd_reports_total", mode="event", outcome="read") > 4
    assert figures.of("headwater_qoe_startup_seconds_count") == len(ENGINES)
    assert figures.of("headwater_qoe_media_seconds_total") > SECONDS
    assert figures.of("headwater_qoe_media_bits_total") > 0
    assert figures.of("headwater_qoe_played_seconds_total") > SECONDS

"""A player renews its token in the middle of a track, and nobody hears it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import SHORT_TTL_S, Home
from tests.browser.driver import Browser
from tests.browser.test_engines import ENGINES

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.alone]

SECONDS = 3.5 * SHORT_TTL_S


@pytest.fixture(scope="module")
def renewed(browser: Browser, home: Home, impatient_origin: str) -> Any:
    return browser.run(
        "renewal",
        session=home.session(impatient_origin),
        engines=list(ENGINES),
        seconds=SECONDS,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_track_plays_past_several_expiries(renewed: Any, engine: str) -> None:
    result = renewed[engine]
    assert result["final"]["currentTime"] > SECONDS
    assert result["stalls"] == []
    # Heard in real time: what was waited for would show here.
    assert result["wallSeconds"] < SECONDS + 4


@pytest.mark.parametrize("engine", ENGINES)
def test_no_request_carries_a_dead_token(renewed: Any, engine: str) -> None:
    seen = renewed[engine]["seen"]
    assert seen["refusals"] == []
    renewals = [request for request in seen["requests"] if "/api/v1/playback/" in request]
    assert len(renewals) >= 3
    tokens = {request.split("/")[3] for request in seen["requests"] if "/tracks/" in request}
    assert len(tokens) >= 3

"""A page is one stream: it keeps its place while it plays, and frees it when it goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Home, serving
from tests.browser.driver import Browser

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.alone]

TTL_S = 5
SECONDS = 2.5 * TTL_S


@pytest.fixture(scope="module")
def seen(browser: Browser, home: Home) -> Any:
    settings = {
        "HEADWATER_DRM__STREAMS": "{premium: 1}",
        "HEADWATER_DRM__STREAM_TTL_S": str(TTL_S),
    }
    with serving(home.path, **settings) as url:
        return browser.run(
            "streams", session=home.session(url), engine="shaka-dash", seconds=SECONDS
        )


def test_a_page_keeps_its_place_longer_than_a_lease_lasts(seen: Any) -> None:
    assert seen["played"]["currentTime"] > SECONDS
    assert seen["heard"]["refusals"] == []
    asked = [one for one in seen["heard"]["requests"] if one.startswith("POST /api/v1/playback/")]
    assert len(asked) >= 3


def test_a_second_page_is_told_why_it_may_not(seen: Any) -> None:
    assert "as many streams as it may" in seen["told"]


def test_a_page_that_goes_frees_its_place(seen: Any) -> None:
    assert seen["status"] == 200
    assert seen["afterMs"] < TTL_S * 1000
    assert seen["then"]["currentTime"] > 0.2

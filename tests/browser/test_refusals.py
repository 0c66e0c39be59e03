"""The controls: without the right key or a living token nothing is heard."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

import pytest

from tests.browser.conftest import SHORT_TTL_S, Home
from tests.browser.driver import Browser
from tests.browser.test_engines import ENGINES

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def with_wrong_keys(browser: Browser, home: Home, origin: str) -> Any:
    return browser.run(
        "refusals", session=home.session(origin), engines=list(ENGINES), kind="wrong-key"
    )


@pytest.fixture(scope="module")
def with_expired_token(browser: Browser, home: Home, impatient_origin: str) -> Any:
    return browser.run(
        "refusals",
        session=home.session(impatient_origin),
        engines=list(ENGINES),
        kind="expired",
        playbacks=_expired(home, impatient_origin),
    )


def _expired(home: Home, origin: str) -> dict[str, Any]:
    """Real answers of the origin, kept until their tokens are dead."""
    token = home.run("token", "mint").strip()
    answers = {}
    for track in home.tracks:
        request = urllib.request.Request(
            f"{origin}/api/v1/playback/{track}",
            headers={"Authorization": f"Bearer {token}"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            answers[track] = json.load(response)
    time.sleep(SHORT_TTL_S + 1)
    return answers


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_key_is_not_heard(with_wrong_keys: Any, engine: str) -> None:
    result = with_wrong_keys[engine]
    assert "could not be played" in result["message"]
    assert result["audio"]["currentTime"] < 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_an_expired_token_opens_nothing(with_expired_token: Any, engine: str) -> None:
    result = with_expired_token[engine]
    assert "could not be played" in result["message"]
    assert result["audio"]["currentTime"] == 0
    assert result["audio"]["decodedBytes"] == 0
    assert {refusal["status"] for refusal in result["seen"]["refusals"]} == {401}

"""Each player plays what the origin serves, encrypted, and opens it with the keys it is given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Home
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

# Engine: the manifest's form, and where its keys come from.
ENGINES = {
    "shaka-dash": ("/dash/manifest.mpd", "POST /license/clearkey"),
    "shaka-hls": ("/hls/multivariant.m3u8", "/keys/"),
    "dash": ("/dash/manifest.mpd", "POST /license/clearkey"),
    "hls": ("/hls/multivariant.m3u8", "POST /license/clearkey"),
}
RENDITIONS = ("aac-64k", "flac", "aac-128k", "opus-96k", "aac-320k")
# A network that is not this machine's: segments of the old rendition arrive amid a change.
LATENCY_MS = 100


@pytest.fixture(scope="module")
def played(browser: Browser, home: Home, origin: str) -> Any:
    return browser.run("engines", session=home.session(origin), engines=list(ENGINES))


@pytest.fixture(scope="module")
def switched(browser: Browser, home: Home, origin: str) -> Any:
    return browser.run(
        "renditions",
        session=home.session(origin),
        engines=list(ENGINES),
        renditions=RENDITIONS,
        latencyMs=LATENCY_MS,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_an_encrypted_track_plays(played: Any, engine: str) -> None:
    early, late = played[engine]["early"], played[engine]["late"]
    assert late["currentTime"] > 3
    assert late["decodedBytes"] > early["decodedBytes"] > 0
    assert late["encrypted"]
    assert late["error"] is None


@pytest.mark.parametrize("engine", ENGINES)
def test_the_manifest_and_the_keys_come_in_the_engines_form(played: Any, engine: str) -> None:
    manifest, keys = ENGINES[engine]
    requests = played[engine]["before"]["requests"]
    assert any(request.endswith(manifest) for request in requests)
    assert any(keys in request for request in requests)


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_fails_and_nothing_outside_is_asked(played: Any, engine: str) -> None:
    seen = played[engine]["before"]
    assert (seen["refusals"], seen["outside"], seen["errors"]) == ([], [], [])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_token_that_is_refused_is_replaced_and_playing_goes_on(played: Any, engine: str) -> None:
    again, before, seen = (played[engine][name] for name in ("again", "before", "seen"))
    assert again["currentTime"] > 42.5
    assert [refusal["status"] for refusal in seen["refusals"]] == [401]
    asked = f"POST /api/v1/playback/{again['track']}"
    assert seen["requests"].count(asked) == before["requests"].count(asked) + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_every_rendition_can_be_chosen_while_playing(switched: Any, engine: str) -> None:
    """Codecs, sampling rates and keys change under way."""
    assert switched[engine]["reached"] == list(RENDITIONS)
    assert switched[engine]["switches"] >= len(RENDITIONS) - 1
    assert switched[engine]["seen"]["errors"] == []

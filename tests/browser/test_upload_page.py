"""The upload page in Chromium, at the width of a phone and of a desk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.driver import Browser
from tests.support import masters
from tests.support.labels import Place, taking_uploads

pytestmark = pytest.mark.server

_SHOTS = os.environ.get("TEST_SHOTS")  # a folder, to look at the page oneself


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("page") / "home"
    with taking_uploads(home, {}, "--executor") as served:
        yield served


@pytest.mark.parametrize("width", [390, 1280])
def test_a_master_is_sent_in_and_followed_to_its_end(
    browser: Browser, place: Place, tmp_path: Path, width: int
) -> None:
    master = masters.wav(tmp_path / "01 Prelude.wav", masters.music(2, seed=width))
    wrong = tmp_path / "holiday.wav"
    wrong.write_bytes(b"#EXTM3U\nhttp://127.0.0.1/\n")
    seen = browser.run(
        "upload",
        url=place.url,
        token=place.label().token,
        file=str(master),
        wrong=str(wrong),
        viewport={"width": width, "height": 800},
        shots=f"{_SHOTS}/upload-{width}.png" if _SHOTS else None,
    )
    assert seen["asks"]
    assert seen["done"]
    assert seen["states"][-1] == "Can be listened to"
    assert any("·" in state for state in seen["states"])  # from the job's events
    assert "a playlist" in seen["failure"]
    assert "holiday.wav" in seen["announced"]
    assert (seen["unnamed"], seen["overflow"]) == (0, False)
    assert not [one for one in seen["errors"] if "422" not in one]

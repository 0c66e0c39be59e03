"""The page plays tracks and albums at one loudness, by the gain that the measurements ask for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Home
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

TARGET_LUFS, CEILING_DBTP = -14, -1


@pytest.fixture(scope="module")
def leveled(browser: Browser, home: Home, origin: str) -> Any:
    return browser.run("normalization", session=home.session(origin))


def gain_db(measured: dict[str, float]) -> float:
    wanted = TARGET_LUFS - measured["integrated_lufs"]
    return min(wanted, CEILING_DBTP - measured["true_peak_dbtp"])


def volume(gain: float, listeners: float = 0.5) -> float:
    return float(min(1.0, listeners * 10 ** (gain / 20)))


def test_the_answer_tells_both(leveled: Any) -> None:
    answer = leveled["answer"]
    assert answer["loudness"]["integrated_lufs"] != answer["album_loudness"]["integrated_lufs"]


def test_an_album_in_order_is_played_at_the_albums_gain(leveled: Any) -> None:
    album, answer = leveled["album"], leveled["answer"]
    assert album["album"]["volume"] == pytest.approx(volume(gain_db(answer["album_loudness"])))
    assert album["track"]["volume"] == pytest.approx(volume(gain_db(answer["loudness"])))
    assert album["off"] == {"volume": 0.5, "gain": "0 dB"}
    assert album["album"]["gain"].endswith(" dB")


def test_songs_in_another_order_are_played_at_their_own_gain(leveled: Any) -> None:
    own = pytest.approx(volume(gain_db(leveled["answer"]["loudness"])))
    assert leveled["song"]["album"]["volume"] == own
    assert leveled["song"]["track"]["volume"] == own


def test_no_element_is_asked_for_more_than_it_can(leveled: Any) -> None:
    loud, answer = leveled["loud"], leveled["answer"]
    assert loud["track"]["volume"] == pytest.approx(volume(gain_db(answer["loudness"]), 1))
    assert loud["off"]["volume"] == 1


def test_the_choice_is_kept_between_visits(leveled: Any) -> None:
    assert leveled["kept"] == "album"


def test_nothing_fails(leveled: Any) -> None:
    seen = leveled["seen"]
    assert (seen["refusals"], seen["outside"], seen["errors"]) == ([], [], [])

"""An album of one continuous tone, played as a release and recorded: what is heard at its joints.

docs/gapless.md holds the same figures for its readers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser import alignment, continuous
from tests.browser.alignment import Joint
from tests.browser.conftest import ask, headwater, serving
from tests.browser.driver import Browser

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.alone]

TIERS = {"aac-128k": "standard", "flac": "lossless"}
EVERY_TIER = "standard-premium-lossless"
PLAYERS = ("shaka-dash", "dash", "hls", "shaka-hls")
HALF_A_STEP = 1 / 32_768  # of 16 bits


@dataclass(frozen=True, slots=True)
class Take:
    """One recording: an engine, a rendition, and whether the page's exact windows are in force."""

    engine: str
    rendition: str
    exact: bool = True

    @property
    def name(self) -> str:
        return f"{self.engine}-{self.rendition}-{'exact' if self.exact else 'own'}"


FLAC = [Take(engine, "flac", exact=False) for engine in PLAYERS]
AAC = [Take("shaka-dash", "aac-128k"), Take("dash", "aac-128k")]
HOLES = [
    Take("shaka-dash", "aac-128k", exact=False),
    Take("dash", "aac-128k", exact=False),
    Take("shaka-hls", "aac-128k", exact=False),
    Take("hls", "aac-128k", exact=False),
]
ENCRYPTED = [FLAC[0], FLAC[2], *AAC]
ORIGINAL = continuous.quantized() / 32_768


@dataclass(frozen=True, slots=True)
class Heard:
    """A take's report, its recording, and what was found at the joints."""

    report: dict[str, Any]
    samples: alignment.Signal
    joints: list[Joint]


@pytest.fixture(scope="module", params=["clear", "cbcs"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A scheme, an origin with the album in it, and the release's playback answer."""
    home = tmp_path_factory.mktemp("home")
    ladder = home / "ladder.yaml"
    ladder.write_text(continuous.LADDER)
    settings = {"HEADWATER_INGEST__LADDER": str(ladder)}
    masters = continuous.make(tmp_path_factory.mktemp("masters"))
    headwater(home, "ingest", "--scheme", request.param, *map(str, masters), **settings)
    token = headwater(home, "token", "mint", **settings).strip()
    with serving(home, **settings) as origin:
        release = ask(origin, token, "releases")["releases"][0]["release_id"]
        yield request.param, origin, ask(origin, token, f"playback/releases/{release}")


@pytest.fixture(scope="module")
def heard(
    browser: Browser,
    served: tuple[str, str, dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[Take, Heard]:
    scheme, origin, playback = served
    takes = [*FLAC, *AAC, *HOLES] if scheme == "clear" else ENCRYPTED
    files = tmp_path_factory.mktemp("recordings")
    reports = browser.run(
        "recording",
        origin=origin,
        rate=continuous.RATE_HZ,
        files=str(files),
        takes=[_described(take, playback) for take in takes],
    )
    return {take: _heard(reports[take.name], files / f"{take.name}.f32") for take in takes}


def _described(take: Take, playback: dict[str, Any]) -> dict[str, Any]:
    """One tier's manifests only, so that no player changes renditions under way."""
    answer = dict(playback)
    for form in ("hls", "dash"):
        answer[form] = playback[form].replace(f"/{EVERY_TIER}/", f"/{TIERS[take.rendition]}/")
    if not take.exact:
        del answer["tracks"]
    return {
        "name": take.name,
        "engine": take.engine,
        "rendition": take.rendition,
        "playback": answer,
        "until": playback["duration_s"] - 0.4,
        "listen": True,
    }


def _heard(report: dict[str, Any], recording: Path) -> Heard:
    samples = np.fromfile(recording, "<f4").astype(np.float64)
    assert report["problems"] == []
    return Heard(report, samples, alignment.measure(samples, ORIGINAL, continuous.joints()))


def test_flac_is_the_original_across_every_joint_in_every_player(heard: dict[Take, Heard]) -> None:
    """Sample for sample: the album is one signal again."""
    for take in heard.keys() & {*FLAC}:
        for joint in heard[take].joints:
            assert abs(joint.gap) < 0.001, take
            assert joint.error <= HALF_A_STEP, take


def test_aac_has_no_sample_too_much_or_too_few_with_exact_windows(
    heard: dict[Take, Heard],
) -> None:
    """And no dip: what is left is the coding of a track's first and last frame."""
    for take in AAC:
        for joint in heard[take].joints:
            assert abs(joint.gap) < 0.05, take
            assert joint.error < 0.2, take


def test_what_plays_is_one_buffer_that_never_waits(heard: dict[Take, Heard]) -> None:
    for take in heard.keys() - {*HOLES}:
        report = heard[take].report
        assert len(report["buffered"]) == 1, take
        assert [wait for wait in report["waits"] if wait > 0.1] == [], take
        assert report["longestStill"] < 200, take


def test_encrypted_media_is_what_was_heard(
    heard: dict[Take, Heard], served: tuple[str, str, dict[str, Any]]
) -> None:
    for take in heard.keys() - {*HOLES}:
        assert heard[take].report["encrypted"] == (served[0] == "cbcs")


def test_the_holes_are_what_the_documentation_says(
    heard: dict[Take, Heard], served: tuple[str, str, dict[str, Any]]
) -> None:
    """Where a player's own windows, or none, are in force, AAC is not gapless."""
    if served[0] != "clear":
        pytest.skip("once is enough")
    paddings = [
        rendition["gapless"]["padding"]
        for track in served[2]["tracks"][:-1]
        for rendition in track["renditions"]
        if rendition["name"] == "aac-128k"
    ]
    for take in HOLES:
        gaps = [joint.gap for joint in heard[take].joints]
        if take.engine == "hls":  # the priming and the padding are both heard
            assert gaps == pytest.approx([1024 + padding for padding in paddings], abs=0.5)
        else:  # the priming lies over the last frame: nothing is added but an overlap below 1 ms
            assert all(-1 < gap < 45 for gap in gaps)
            assert all(joint.error > 0.3 for joint in heard[take].joints)

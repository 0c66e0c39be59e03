"""A clear package plays from a plain file server, in every player, with nothing else of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.browser import album
from tests.browser.conftest import headwater
from tests.browser.driver import Browser
from tests.support import ladders
from tests.support.he_aac import VERSIONS, vector
from tests.support.plain_files import serving_files

pytestmark = pytest.mark.server

VENDOR = Path(__file__).parents[2] / "origin" / "player" / "vendor"
SCRIPTS = ("shaka-player.js", "hls.js", "dash.js")
CASES = (
    ("shaka", "manifest.mpd"),
    ("shaka", "multivariant.m3u8"),
    ("hls.js", "multivariant.m3u8"),
    ("dash.js", "manifest.mpd"),
)
HE_AAC = tuple((player, f"{version}/{name}") for player, name in CASES for version in VERSIONS)


@pytest.fixture(scope="module")
def played(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("plain")
    masters = root / "masters"
    masters.mkdir()
    one = album.make(masters)[1]
    fast = {"HEADWATER_INGEST__LADDER": str(ladders.FAST)}
    done = headwater(root / "home", "ingest", "--scheme", "clear", "--json", str(one), **fast)
    www = root / "www"
    shutil.copytree(Path(json.loads(done)["hls"]).parent, www)
    for name in SCRIPTS:
        shutil.copy(VENDOR / name, www / name)
    tags = "".join(f"<script src={name}></script>" for name in SCRIPTS)
    (www / "player.html").write_text(f"<!doctype html><audio></audio>{tags}")
    for version in VERSIONS:
        _package_he_aac(root, www / version, version)
    scratch = root / "nginx"
    scratch.mkdir()
    with serving_files(www, scratch) as base:
        return browser.run("plain", base=base, cases=(*CASES, *HE_AAC))


def _package_he_aac(scratch: Path, out: Path, version: str) -> None:
    """Three times the same two seconds: ADTS streams can be joined."""
    stream = scratch / f"{version}.aac"
    stream.write_bytes(vector(stream.name).read_bytes() * 3)
    headwater(scratch / "home", "package", str(stream), "--out", str(out))


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_clear_package_plays_from_plain_files(played: Any, case: tuple[str, str]) -> None:
    result = played[" ".join(case)]

    assert result["error"] is None
    assert 2 < result["currentTime"] < 12
    assert result["webkitAudioDecodedByteCount"] > 10_000
    assert result["refusals"] == []
    assert result["outside"] == []
    assert result["duration"] == pytest.approx(14, abs=0.1)


@pytest.mark.parametrize("case", HE_AAC, ids="-".join)
def test_he_aac_plays_at_its_whole_rate(played: Any, case: tuple[str, str]) -> None:
    result = played[" ".join(case)]

    assert result["error"] is None
    assert 2 < result["currentTime"] < 6
    assert result["webkitAudioDecodedByteCount"] > 5_000
    assert result["refusals"] == []
    assert result["duration"] == pytest.approx(6.45, abs=0.15)

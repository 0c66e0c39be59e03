"""A clear package plays from a plain file server, in every player, with nothing else of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.browser import album
from tests.browser.driver import Browser
from tests.support.origin_process import headwater
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


@pytest.fixture(scope="module")
def played(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("plain")
    masters = root / "masters"
    masters.mkdir()
    one = album.make(masters)[1]
    done = subprocess.run(
        headwater("ingest", "--scheme", "clear", "--json", str(one)),
        check=True,
        capture_output=True,
        env={**os.environ, "HEADWATER_HOME": str(root / "home")},
    )
    www = root / "www"
    shutil.copytree(Path(json.loads(done.stdout)["hls"]).parent, www)
    for name in SCRIPTS:
        shutil.copy(VENDOR / name, www / name)
    tags = "".join(f"<script src={name}></script>" for name in SCRIPTS)
    (www / "player.html").write_text(f"<!doctype html><audio></audio>{tags}")
    scratch = root / "nginx"
    scratch.mkdir()
    with serving_files(www, scratch) as base:
        return browser.run("plain", base=base, cases=CASES)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_clear_package_plays_from_plain_files(played: Any, case: tuple[str, str]) -> None:
    result = played[" ".join(case)]

    assert result["error"] is None
    assert 2 < result["currentTime"] < 12
    assert result["webkitAudioDecodedByteCount"] > 10_000
    assert result["refusals"] == []
    assert result["outside"] == []
    assert result["duration"] == pytest.approx(14, abs=0.1)

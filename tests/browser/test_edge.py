"""A browser behind the packaged nginx: two engines play one track, and share its copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.edge_servers import running_nginx
from tests.browser.conftest import Home, ask, serving
from tests.browser.driver import Browser

pytestmark = pytest.mark.server

SECONDS = 1.5
PATIENCE_S = 20  # of a busy machine


def test_a_track_plays_through_the_edge_and_again_from_its_copies(
    browser: Browser, home: Home, tmp_path: Path
) -> None:
    settings = {"HEADWATER_ORIGIN__TRUSTED_PROXIES": "127.0.0.1/32"}
    with (
        serving(home.path, **settings) as origin,
        running_nginx(origin.removeprefix("http://"), tmp_path) as edge,
    ):
        token = home.run("token", "mint").strip()
        playback = ask(edge.url, token, f"playback/{home.tracks[0]}")
        cells = {"hls.js": ("hls", playback["hls"]), "Shaka": ("shaka-dash", playback["dash"])}
        assert all(manifest.startswith(f"{edge.url}/v1/t/") for _, manifest in cells.values())
        for name, (engine, manifest) in cells.items():
            cell = {"name": name, "home": "edge", "engine": engine, "manifest": manifest}
            report = browser.run(
                "matrix",
                playbacks={"edge": {"origin": edge.url, **playback}},
                cells=[cell],
                seconds=SECONDS,
                patience=PATIENCE_S,
            )[name]
            assert report["currentTime"] > SECONDS, report
            assert report["decodedBytes"] > 0
            assert (report["problems"], report["outside"]) == ([], [])
    log = (tmp_path / "access.log").read_text()
    assert playback["hls"].split("/")[5] not in log
    lines = [json.loads(line) for line in log.splitlines()]
    media = [one["cache"] for one in lines if one["path"].endswith((".mp4", ".m4s"))]
    assert {"MISS", "HIT"} <= set(media)
    assert {one["status"] for one in lines} <= {200, 204, 206, 304}

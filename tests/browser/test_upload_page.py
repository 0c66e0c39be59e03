"""The upload page in Chromium, at the width of a phone and of a desk; and a page with Uppy."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.browser.driver import Browser
from tests.servers.cutter import cutting
from tests.support import masters
from tests.support.labels import ROOT, Place, taking_uploads

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
    assert seen["resumed"]
    assert (seen["unnamed"], seen["overflow"]) == (0, False)
    assert not [one for one in seen["errors"] if "422" not in one]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page_with_uppy(tmp_path: Path) -> Iterator[str]:
    """A page on another origin, as a label's own site is, with Uppy bundled from npm."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(
        "<!doctype html><title>Deliver</title><link rel=icon href=data:,>"
        "<script src=uppy.js></script><input type=file>"
    )
    bundle = ["node_modules/.bin/esbuild", "tests/browser/uppy_page.js"]
    options = ["--bundle", f"--outfile={site}/uppy.js", "--log-level=error"]
    subprocess.run([*bundle, *options], cwd=ROOT, check=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_uppy_goes_on_where_its_connection_broke(
    browser: Browser, place: Place, page_with_uppy: str, tmp_path: Path
) -> None:
    master = masters.wav(tmp_path / "m.wav", masters.music(9.5, seed=3))
    with cutting(place.url, after_bytes=700_000) as wire:
        seen = browser.run(
            "uppy", page=page_with_uppy, wire=wire, token=place.label().token, file=str(master)
        )
    assert (seen["succeeded"], seen["failures"]) == (1, []), seen
    assert ("HEAD", 200) in [tuple(one[:2]) for one in seen["statuses"]], seen
    assert seen["statuses"][-1] == ["PATCH", 204, master.stat().st_size]
    job = place.label().ask("GET", seen["job"].removeprefix(wire)).json
    assert place.label().ask("GET", f"/api/v1/uploads/{job['upload_id']}").json["fields"] == {
        "title": "By Uppy",
        "artist": "Ada",
    }

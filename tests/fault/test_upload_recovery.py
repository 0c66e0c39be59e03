"""Uploads that are whole and no job yet: the next request goes on, or an origin by itself."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers.clamd import EICAR, clamd
from tests.support import masters
from tests.support.labels import Label, taking_uploads

pytestmark = pytest.mark.server


def test_what_could_not_be_looked_at_is_later(tmp_path: Path) -> None:
    """The scanner is away, comes back, and the origin was started again in between."""
    home = tmp_path / "home"
    one, two, three = (
        masters.flac(tmp_path / f"{seed}.flac", masters.music(1.5, seed=seed)).read_bytes()
        for seed in (1, 2, 3)
    )
    settings: dict[str, object] = {"clamd": f"unix:{tmp_path}/clamd.ctl"}
    with taking_uploads(home, settings) as place:
        label = place.label()
        urls = [label.begin(len(data)).removeprefix(label.url) for data in (one, two)]
        for url, data in zip(urls, (one, two), strict=True):
            away = label.append(url, 0, data)
            assert (away.status, away.reason) == (503, "inspector-away")
            assert away.headers["Retry-After"]
        with clamd(tmp_path):
            head = label.head(urls[0])
            assert (head.status, head.offset) == (200, len(one))
            assert head.headers["Headwater-Job"]
            infected = label.send(EICAR + two)
            assert (infected.status, infected.reason) == (422, "infected")
            assert len(place.kept) == 2
    settings["recheck_s"] = 1
    with clamd(tmp_path), taking_uploads(home, settings, "--executor") as place:
        label = place.label()
        assert label.job_done(_job_soon(label, urls[1]))["state"] == "done"
        # Away for so long that its sender gave up: nobody but the origin asks for it.
        scanner = (tmp_path / "clamd.ctl").rename(tmp_path / "away")
        url = label.begin(len(three)).removeprefix(label.url)
        assert label.append(url, 0, three).reason == "inspector-away"
        with closing(sqlite3.connect(home / "catalog.db", timeout=10)) as catalog, catalog:
            catalog.execute(
                "UPDATE uploads SET expires_at = '2026-01-01 00:00:00.000000' WHERE upload_id = ?",
                (url.rpartition("/")[2],),
            )
        scanner.rename(tmp_path / "clamd.ctl")
        assert _job_soon(label, url)


def _job_soon(label: Label, url: str) -> str:
    """Where an upload's job is; it is only looked for, so that nothing is done about it."""
    deadline = time.monotonic() + 30
    while not (job := label.ask("GET", url).json["job"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return str(job["url"]).removeprefix(label.url)

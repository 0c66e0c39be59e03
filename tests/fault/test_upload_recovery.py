"""Uploads that are whole and no job yet: the next request goes on, or the next origin."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.servers.clamd import EICAR, clamd
from tests.support import masters
from tests.support.labels import taking_uploads

pytestmark = pytest.mark.server


def test_what_could_not_be_looked_at_is_later(tmp_path: Path) -> None:
    """The scanner is away, comes back, and the origin was started again in between."""
    home = tmp_path / "home"
    one, two = (
        masters.flac(tmp_path / f"{seed}.flac", masters.music(1.5, seed=seed)).read_bytes()
        for seed in (1, 2)
    )
    settings = {"clamd": f"unix:{tmp_path}/clamd.ctl"}
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
    with clamd(tmp_path), taking_uploads(home, settings, "--executor") as place:
        label = place.label()
        deadline = time.monotonic() + 10
        while not (job := label.ask("GET", urls[1]).json["job"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert label.job_done(job["url"].removeprefix(label.url))["state"] == "done"

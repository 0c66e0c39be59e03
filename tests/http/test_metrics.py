"""/metrics: what several workers did is one sum, whichever answers, and whoever died."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.servers import free_port
from tests.support import house as houses
from tests.support.house import House
from tests.support.scrape import Scrape, scrape

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from contextlib import asynccontextmanager
from configs.settings import MonitoringSettings, OriginSettings
from origin.server import serve
from tests.support import house as houses
settings = OriginSettings(port=0, workers=2, shutdown_grace_s=2)
monitoring = MonitoringSettings(port=int(sys.argv[2]))
house = houses.House(Path(sys.argv[1]), None, {})
serve(settings, lambda: houses.open_deps(house, settings), monitoring=monitoring)
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """An origin with two workers."""

    process: subprocess.Popen[str]
    url: str
    admin: str
    token: str
    access: str

    def get(self, path: str, **headers: str) -> int:
        """The status of a request, by a connection of its own: either worker may take it."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def media(self, rest: str) -> str:
        return f"/v1/t/{self.token}/tracks/{houses.TRACK}/{houses.REVISION}/{rest}"

    def workers(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(text) for text in path.read_text().split()]

    def settled(self) -> Scrape:
        """A scrape that has all that was asked for before."""
        time.sleep(1.2)  # each worker shows its figures once a second
        return scrape(self.admin)

    def until(self, is_so: Callable[[Scrape], bool]) -> Scrape:
        """A scrape for which it is so."""
        deadline = time.monotonic() + 10
        while not is_so(found := scrape(self.admin)):
            assert time.monotonic() < deadline, found.samples
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def pair(built_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    house = houses.copy(built_house, tmp_path_factory.mktemp("metrics") / "house")
    token, access = asyncio.run(_tokens(house))
    port = free_port()
    command = [sys.executable, "-c", SCRIPT, str(house.root), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://\S+", line)
        assert address, line + process.stderr.read()
        yield Pair(process, address[0], f"http://127.0.0.1:{port}", token, access)
        process.terminate()
        process.communicate(timeout=15)


async def _tokens(house: House) -> tuple[str, str]:
    async with houses.open_deps(house) as deps:
        return houses.playback_token(deps), deps.access_tokens.mint("listener", "premium", 600)


def test_all_that_two_workers_did_is_counted_once(pair: Pair) -> None:
    before = pair.settled()
    for _ in range(30):
        assert pair.get(pair.media("aac-64k/1.m4s")) == 200
    assert pair.get(pair.media("aac-64k.mp4"), Range="bytes=0-99") == 206
    assert pair.get(pair.media("standard/hls/aac-64k.m3u8")) == 200
    assert pair.get(pair.media("aac-64k/999.m4s")) == 404
    assert pair.get("/healthz") == 200
    assert pair.get("/nowhere/at/all") == 404

    def grew(now: Scrape, **labels: str) -> float:
        name = "headwater_requests_total"
        return now.of(name, **labels) - before.of(name, **labels)

    now = pair.until(lambda one: grew(one) == 35)
    assert grew(now, method="GET", route="segment", status="200") == 30
    assert grew(now, route="track_file", status="206") == 1
    assert grew(now, route="manifest") == 1
    assert grew(now, route="segment", status="404") == 1
    assert grew(now, route="/healthz", status="200") == 1
    assert grew(now, route="none", status="404") == 1
    assert now.of("headwater_request_seconds_count", route="segment") >= 31
    assert now.of("headwater_problems_total", reason="segment-not-found") >= 1
    hits = now.of("headwater_cache_hits_total", cache="replies")
    assert hits >= 28  # each worker has asked the store once
    assert now.of("headwater_storage_seconds_count", operation="get", outcome="ok") >= 2
    assert now.of("headwater_storage_bytes_total") > 0
    assert now.of("headwater_catalog_seconds_count", operation="read", outcome="ok") >= 1
    assert len({one.labels["worker"] for one in now.samples if "worker" in one.labels}) == 2


def test_denials_and_grants_of_keys_are_counted_by_reason(pair: Pair) -> None:
    before = pair.settled()
    status = pair.get(pair.media(f"keys/{'0' * 32}"))
    assert status == 403
    now = pair.until(
        lambda one: one.of("headwater_licenses_denied_total", reason="not-entitled") > 0
    )
    grown = now.of("headwater_licenses_denied_total", reason="not-entitled")
    assert grown - before.of("headwater_licenses_denied_total", reason="not-entitled") == 1
    assert now.of("headwater_requests_total", route="hls_key", status="403") >= 1


def test_a_song_that_is_asked_for_again_in_its_session_is_one(pair: Pair) -> None:
    before = pair.settled().of("headwater_songs_streamed_total")

    def play(session: str | None, track_id: str = houses.TRACK) -> str:
        request = urllib.request.Request(
            f"{pair.url}/api/v1/playback/{track_id}",
            json.dumps({"session": session} if session else {}).encode(),
            {"Authorization": f"Bearer {pair.access}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["session"])

    session = play(None)
    for _ in range(6):  # by either worker
        play(session)
    play(session, houses.OTHER_TRACK)
    play(None)
    pair.until(lambda one: one.of("headwater_songs_streamed_total") == before + 3)


def test_what_a_worker_counted_outlives_it(pair: Pair) -> None:
    for _ in range(20):
        pair.get("/healthz")
    before = pair.settled().of("headwater_requests_total")
    victim = pair.workers()[0]
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while len(now := pair.workers()) < 2 or victim in now:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert pair.until(lambda one: len(_starts(one)) == 2).of("headwater_requests_total") == before
    for _ in range(20):
        pair.get("/healthz")
    pair.until(lambda one: one.of("headwater_requests_total") == before + 20)


def _starts(found: Scrape) -> list[float]:
    return [one.value for one in found.samples if one.name == "headwater_worker_resident_bytes"]


def test_listeners_do_not_see_the_figures(pair: Pair) -> None:
    assert pair.get("/metrics") == 404

"""A real house for real browsers: an album ingested and served by the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from tests.browser import album
from tests.browser.driver import Browser, NotSetUp, find_browser
from tests.support import ladders
from tests.support.shared import made_once

_HEADWATER = str(Path(sys.executable).parent / "headwater")
# The token lives this long at the impatient origin: the shortest that settings allow.
SHORT_TTL_S = 5


@dataclass(frozen=True, slots=True)
class Home:
    """A HOME with the album in it, and `headwater` run there."""

    path: Path
    tracks: tuple[str, ...]

    def run(self, *args: str) -> str:
        """Standard output of a command that succeeds."""
        return headwater(self.path, *args)

    def session(self, origin: str) -> str:
        """The page's address with a session in it."""
        return self.run("token", "mint", "--player-url", origin).strip()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    try:
        found = find_browser()
    except NotSetUp as exc:
        pytest.fail(str(exc))
    yield found
    found.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    def ingest(folder: Path) -> None:
        (folder / "masters").mkdir()
        masters = map(str, album.make(folder / "masters"))
        fast = {"HEADWATER_INGEST__LADDER": str(ladders.FAST)}
        (folder / "said").write_text(
            headwater(folder / "home", "ingest", "--json", *masters, **fast)
        )

    folder = made_once(tmp_path_factory, "album", ingest)
    path = tmp_path_factory.mktemp("browser") / "home"
    shutil.copytree(folder / "home", path)
    done = [json.loads(line) for line in (folder / "said").read_text().splitlines()]
    by_title = {one["title"]: one["track_id"] for one in done}
    return Home(path, tuple(by_title[title] for title, *_ in album.TRACKS))


@pytest.fixture(scope="session")
def origin(home: Home) -> Iterator[str]:
    with serving(home.path) as url:
        yield url


@pytest.fixture(scope="session")
def impatient_origin(home: Home) -> Iterator[str]:
    """The same house, with playback tokens that expire while a track plays."""
    with serving(home.path, HEADWATER_DRM__PLAYBACK_TTL_S=str(SHORT_TTL_S)) as url:
        yield url


def headwater(home: Path, *args: str, **settings: str) -> str:
    """Standard output of a command that succeeds; `settings` are of its environment.

    It runs in this process: a start takes more than half a second, and there are dozens.
    """
    others = dict.fromkeys(name for name in os.environ if name.startswith("HEADWATER_"))
    environment: dict[str, str | None] = {**others, "HEADWATER_HOME": str(home), **settings}
    done = CliRunner().invoke(main, args, env=environment)
    assert done.exit_code == 0, f"headwater {' '.join(args)}\n{done.output}"
    return done.stdout


def _environment(home: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    return clean | {"HEADWATER_HOME": str(home)}


def ask(origin: str, token: str, path: str) -> Any:
    """The answer to a POST of the API; GET for what is listed."""
    request = urllib.request.Request(
        f"{origin}/api/v1/{path}",
        headers={"Authorization": f"Bearer {token}"},
        method="POST" if path.startswith("playback/") else "GET",
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[str]:
    """`headwater serve` on a free port, until the block ends; its address."""
    with subprocess.Popen(
        [_HEADWATER, "serve", "--port", "0"],
        env=_environment(home) | settings,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        line = server.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        try:
            assert address, f"headwater serve said: {line}{server.stderr.read()}"
            yield address[0]
        finally:
            server.send_signal(signal.SIGTERM)
            rest = server.communicate(timeout=60)[1]
    assert server.returncode == 0, rest

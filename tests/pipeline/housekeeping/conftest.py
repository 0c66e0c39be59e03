"""A HOME with two real tracks in it, of which each test has a copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support import masters
from tests.support.cli_home import Home


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("housekeeping")
    sources = [
        masters.wav(folder / f"song{number}.wav", masters.music(1.2, seed=number))
        for number in (1, 2)
    ]
    masters.tag_wav(sources[0], masters.picture())
    home = Home(folder / "home")
    home.run("ingest", *map(str, sources))
    return home


@pytest.fixture
def house(original: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Its objects look a week old."""
    for name in ("HEADWATER_HOME", "HEADWATER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(original.path, tmp_path / "home")
    for path in (tmp_path / "home" / "storage").rglob("*"):
        age(path)
    return Home(tmp_path / "home")


def age(path: Path, days: float = 7) -> None:
    """Make a file look that old."""
    then = path.stat().st_mtime - days * 86400
    os.utime(path, (then, then))

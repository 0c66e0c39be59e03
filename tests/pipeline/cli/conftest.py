"""A HOME of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_home import Home, publication


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("HEADWATER_HOME", "HEADWATER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return Home(tmp_path / "home")


@pytest.fixture
def album(home: Home) -> Home:
    """A HOME with one published track and its keys."""
    home.publish(publication(), tiers=("standard", "lossless"))
    return home

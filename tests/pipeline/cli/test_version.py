from __future__ import annotations

import platform

import pytest

from tests.support.cli_home import Home


def test_the_versions_in_use_are_told(home: Home) -> None:
    found = home.json("version")
    assert found["headwater"][0].isdigit()
    assert found["python"] == platform.python_version()
    assert " at /" in found["ffmpeg"]
    assert "ffmpeg" in home.run("version").stdout


def test_a_missing_ffmpeg_is_told_not_fatal(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_FFMPEG__FFMPEG", "/nowhere/ffmpeg")
    assert home.json("version")["ffmpeg"].startswith("none: ")

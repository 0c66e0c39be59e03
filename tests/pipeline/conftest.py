from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.errors import EncoderFailed
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.process import Confined, Limits, run
from pipeline.ffmpeg.sandbox import Sandbox, find_sandbox
from tests.support import masters
from tests.support.workshop import newest_tools, system_tools


@pytest.fixture(scope="session")
def tools() -> Tools:
    return newest_tools()


@pytest.fixture(scope="session", params=["newest", "system"])
def any_tools(request: pytest.FixtureRequest) -> Tools:
    """Every ffmpeg of this machine in turn: 8 in one process, 5.1 in a process per rendition."""
    found = newest_tools() if request.param == "newest" else system_tools()
    if found is None:
        pytest.skip("this system has no ffmpeg of its own")
    return found


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Three seconds and a bit in 16 bits: no whole number of anybody's frames."""
    return masters.wav(tmp_path / "song.wav", masters.music(3.003))


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """A bubblewrap that can be used here."""
    found = find_sandbox()
    if found is None:
        pytest.skip("bubblewrap is not installed (scripts/setup test)")
    try:
        asyncio.run(run(["/bin/true"], Limits(deadline_s=20), confined=Confined(found)))
    except EncoderFailed as failure:
        pytest.skip(f"bubblewrap may not be used here: {failure.stderr_tail}")
    return found

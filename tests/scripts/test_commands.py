"""The commands of a checkout, as a person types them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Every tier in seconds, where the demo's own takes a minute to encode.
LADDER = """
tiers: [standard, premium, lossless]
rungs:
  - {name: aac-128k, codec: aac, bitrate_bps: 128000, coder: fast, tier: standard}
  - {name: flac-48k, codec: flac, max_sample_rate_hz: 48000, tier: premium}
  - {name: flac, codec: flac, tier: lossless}
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / arguments[0]), *arguments[1:]],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["scripts/setup", "scripts/demo", "scripts/test"])
def test_each_command_explains_itself(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {command}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("scripts/setup", "everything"),
        ("scripts/demo", "--port"),
        ("scripts/demo", "--port", "x"),
        ("scripts/demo", "--fast"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_done(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")


def test_setup_names_what_it_may_not_install(tmp_path: Path) -> None:
    """A user without root, sudo and apt is told which packages to ask for."""
    for tool in ("bash", "env", "dirname", "cat", "nginx", "flac"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "/bin/true")
    done = run("scripts/setup", "test", PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("setup: please install: chromium ffmpeg radosgw ")
    assert "(on Debian" in done.stderr
    assert "nginx" not in done.stderr


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_demo_streams_and_ends_when_told_to(tmp_path: Path) -> None:
    """The README's promise, whole: setup, album, ingest, origin, and Ctrl-C."""
    ladder = tmp_path / "ladder.yaml"
    ladder.write_text(LADDER)
    own = {"HEADWATER_HOME": str(tmp_path), "HEADWATER_INGEST__LADDER": str(ladder)}
    first = run("scripts/demo", "--check", **own)
    assert first.returncode == 0, first.stderr[-2000:]
    assert "6 published" in first.stderr
    again = subprocess.Popen(
        # Whoever runs the tests in the background may have them ignore Ctrl-C.
        ["env", "--default-signal=INT", str(ROOT / "scripts/demo")],
        env=os.environ | own,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    with again:
        assert again.stdout is not None
        try:
            page = next(line.strip() for line in again.stdout if "http" in line)
            with urllib.request.urlopen(page.partition("#")[0], timeout=10) as answer:
                assert b"<html" in answer.read()
            time.sleep(0.2)
            again.send_signal(signal.SIGINT)
            _, said = again.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(again.pid, signal.SIGKILL)
    assert again.returncode == 130
    assert "6 unchanged" in said

"""`scripts/edge`: starts one in front of a running origin, says where, and leaves nothing."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.support.threaded_origin import Origin

pytestmark = pytest.mark.server

SCRIPT = Path(__file__).parents[2] / "scripts" / "edge"


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
def test_one_is_started_and_ended(kind: str, origin: Origin) -> None:
    url = f"http://127.0.0.1:{origin.port}"
    command = (str(SCRIPT), f"--{kind}", "--origin", url)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline()
            address = re.search(rf"{kind} at (http://[0-9.:]+), in front of {url}", said)
            assert address, said
            folder = re.search(r"says: +(\S+)", process.stderr.readline())
            assert folder
            with urllib.request.urlopen(address[1] + origin.path("aac-64k/1.m4s")) as response:
                assert response.headers["X-Cache-Status"] == "MISS"
        finally:
            process.terminate()
        assert process.wait(20) == 143
    assert not Path(folder[1]).exists()


def test_one_is_only_tried(origin: Origin) -> None:
    url = f"http://127.0.0.1:{origin.port}"
    done = subprocess.run(
        (str(SCRIPT), "--check", "--origin", url), capture_output=True, text=True, check=True
    )
    assert done.stderr == f"edge: nginx answers for {url}\n"


def test_an_origin_that_does_not_answer_is_named() -> None:
    done = subprocess.run(
        (str(SCRIPT), "--origin", "http://127.0.0.1:1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "http://127.0.0.1:1/healthz" in done.stderr
    assert "scripts/demo" in done.stderr

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.cli_home import TRACK_ID, Home

HEADWATER = Path(sys.executable).with_name("headwater")


@contextmanager
def _serving(home: Home, *args: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running origin and its base URL."""
    command = [str(HEADWATER), "--home", str(home.path), "serve", "--port", "0", *args]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if found := re.search(r"serving at (\S+)", line):
                    yield found[1], process
                    return
            raise AssertionError(said)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _status(request: urllib.request.Request | str) -> int:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.server
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_origin_answers_with_this_homes_catalog_and_tokens(album: Home, workers: str) -> None:
    with _serving(album, "--workers", workers) as (url, process):
        assert _status(f"{url}/healthz") == 200
        assert _status(f"{url}/api/v1/tracks/{TRACK_ID}") == 401
        token = album.run("token", "mint", "--subscription", "free").stdout.strip()
        request = urllib.request.Request(
            f"{url}/api/v1/tracks/{TRACK_ID}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["title"] == "First Light"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.mark.server
def test_the_license_url_of_play_carries_its_own_authorization(album: Home) -> None:
    with _serving(album) as (url, _):
        found = album.json("play", TRACK_ID, "--tier", "standard", "--origin", url)
        record = json.dumps({"kids": ["AAAAAAAAAAAAAAAAAAAAAA"]}).encode()
        unknown = urllib.request.Request(found["license"], data=record, method="POST")
        assert _status(unknown) == 403  # somebody else's key, not 401
        bare = urllib.request.Request(f"{url}/license/clearkey", data=record, method="POST")
        assert _status(bare) == 401


def test_a_port_in_use_is_one_line(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for workers in ("1", "2"):
            args = ("serve", "--host", "127.0.0.1", "--port", port, "--workers", workers)
            result = home.run(*args, code=1)
            assert "in use" in result.stderr
            assert result.stderr.count("\n") == 1


def test_a_certificate_that_is_none_is_one_line(home: Home, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("not one")
    args = ("--tls-certificate", str(certificate), "--tls-key", str(certificate))
    result = home.run("serve", "--port", "0", *args, code=1)
    assert str(certificate) in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "key"),
    [
        (("--port", "70000"), "origin.port"),
        (("--workers", "0"), "origin.workers"),
        (("--public-url", "music.example"), "origin.public_url"),
    ],
)
def test_a_wrong_flag_names_the_setting(home: Home, args: tuple[str, ...], key: str) -> None:
    result = home.run("serve", *args, code=2)
    assert key in result.stderr

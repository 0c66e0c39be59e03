"""An origin that is killed amid uploads: what it said it has, it has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from drm.access_token import UPLOADS_WRITE, AccessTokens
from drm.token_keys import TokenKeys
from tests.support import masters
from tests.support.labels import CHUNK, ROOT, UPLOADS, Label, whole
from tests.support.origin_process import address_of, headwater

pytestmark = pytest.mark.server

_RATE = 1_500_000  # bytes a second, of the slow client


class Origin:
    """`headwater serve` with two workers and an executor, that can be killed and started again."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        (home / "headwater.yaml").write_text(json.dumps({"jobs": {"min_free_bytes": 0}}))
        secrets = TokenKeys.open(home / "tokens.json", create=True)
        tokens = AccessTokens(secrets.access, issuer="headwater", audience="headwater")
        self.token = tokens.mint("label:north", "-", 3600, scopes=(UPLOADS_WRITE,))
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Label:
        log = self.home / f"log-{time.monotonic_ns()}"
        environment = {
            **os.environ,
            "HEADWATER_HOME": str(self.home),
            "HEADWATER_CONFIG": str(self.home / "headwater.yaml"),
        }
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                headwater("serve", "--port", str(self.port), "--workers", "2", "--executor"),
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        url = address_of(self.process, log)
        self.port = int(url.rpartition(":")[2])
        return Label(url, self.token)

    def kill(self) -> None:
        """All processes at once, as a power cut would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._wait_for_workers()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=1)
            try:
                connection.connect()
            except OSError:
                return
            connection.close()
            time.sleep(0.05)
        raise AssertionError


def test_what_was_counted_survives_kills_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Two kills amid one upload by a plain client; each offset is a prefix that is there."""
    data = masters.wav(tmp_path / "m.wav", masters.music(8), bits=24).read_bytes()
    origin = Origin(tmp_path / "home")
    label = origin.start()
    try:
        url = label.begin(len(data), filename="m.wav", title="Kept")
        (file,) = origin.home.glob("uploads/*/master/*.master")
        told = 0
        for _ in range(2):
            told = _send_until(origin, label, url, told, data)
            label = origin.start()
            head = label.head(url)
            assert head.status == 200
            assert told <= head.offset <= len(data)
            assert file.read_bytes()[: head.offset] == data[: head.offset]
            told = head.offset
        assert told > 0
        answer = label.append(url, told, data[told:])
        assert answer.status == 204, answer
        job = label.job_done(answer.headers["Headwater-Job"])
        assert (job["state"], job["error"]) == ("done", None)
    finally:
        origin.stop()


def _send_until(origin: Origin, label: Label, url: str, offset: int, data: bytes) -> int:
    """Send pieces; the origin is killed amid one. What it had acknowledged."""
    told = offset
    killer = threading.Timer(0.5, origin.kill)
    killer.start()
    try:
        while told < len(data):
            piece = data[told : told + 500_000]
            with closing(label.connect()) as connection:
                connection.putrequest("PATCH", url.removeprefix(label.url))
                for name, value in {
                    **CHUNK,
                    "Upload-Offset": told,
                    "Content-Length": len(piece),
                    "Authorization": f"Bearer {label.token}",
                }.items():
                    connection.putheader(name, str(value))
                connection.endheaders()
                for at in range(0, len(piece), 50_000):
                    connection.send(piece[at : at + 50_000])
                    time.sleep(50_000 / _RATE)
                answer = whole(connection.getresponse())
            assert answer.status == 204, answer
            told = answer.offset
    except (OSError, HTTPException):
        pass  # it is dead
    killer.join()
    return told


def test_tus_js_client_outlives_the_origin(tmp_path: Path) -> None:
    """Killed and started again under a running client; and it all becomes one track."""
    path = masters.wav(tmp_path / "m.wav", masters.music(5), bits=24)
    origin = Origin(tmp_path / "home")
    label = origin.start()
    try:
        given = {
            "endpoint": label.url + UPLOADS,
            "file": str(path),
            "token": label.token,
            "chunkSize": 50_000,
            "metadata": {"filename": "m.wav", "title": "Alive"},
            "retry": [200] * 60,
        }
        command = ["node", str(ROOT / "tests/support/tus_upload.mjs"), json.dumps(given)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as client:
            assert client.stderr is not None
            for line in client.stderr:
                if line.strip().isdigit() and int(line) > 300_000:
                    break
            origin.kill()
            time.sleep(0.5)
            label = origin.start()
            out, _ = client.communicate(timeout=60)
        seen = json.loads(out)
        assert client.returncode == 0, seen
        assert seen["errors"], seen
        assert label.job_done(seen["job"])["state"] == "done"
    finally:
        origin.stop()

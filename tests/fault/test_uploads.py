"""An origin that is killed amid uploads: what it said it has, it has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from drm.access_token import UPLOADS_WRITE, AccessTokens
from drm.token_keys import TokenKeys
from tests.servers.processes import tree
from tests.support import masters
from tests.support.labels import CHUNK, ROOT, UPLOADS, Label, whole
from tests.support.origin_process import address_of, headwater

pytestmark = pytest.mark.server

_RATE = 1_500_000  # bytes a second, of the slow client


class Origin:
    """`headwater serve`, that can be killed and started again; the first time without executor."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        (home / "headwater.yaml").write_text(json.dumps({"jobs": {"min_free_bytes": 0}}))
        secrets = TokenKeys.open(home / "tokens.json", create=True)
        tokens = AccessTokens(secrets.access, issuer="headwater", audience="headwater")
        self.token = tokens.mint("label:north", "-", 3600, scopes=(UPLOADS_WRITE,))
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> Label:
        """As it runs, or started."""
        is_up = self.process is not None and self.process.poll() is None
        return (
            Label(f"http://127.0.0.1:{self.port}", self.token)
            if is_up
            else self.start("--no-executor")
        )

    def start(self, *flags: str) -> Label:
        log = self.home / f"log-{time.monotonic_ns()}"
        environment = {
            **os.environ,
            "HEADWATER_HOME": str(self.home),
            "HEADWATER_CONFIG": str(self.home / "headwater.yaml"),
        }
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                headwater("serve", "--port", str(self.port), "--workers", "1", *flags),
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        url = address_of(self.process, log)
        self.port = int(url.rpartition(":")[2])
        return Label(url, self.token)

    def kill(self) -> None:
        """All processes at once, as a power cut would: its executor is in a group of its own."""
        assert self.process is not None
        for one in tree(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.process.wait()
        self._wait_for_workers()

    def stop(self) -> None:
        if self.process is not None:
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


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    made = Origin(tmp_path_factory.mktemp("origin") / "home")
    yield made
    made.stop()


def test_what_was_counted_survives_kills_and_the_rest_goes_on(
    origin: Origin, tmp_path: Path
) -> None:
    """Two kills amid one upload by a plain client; each offset is a prefix that is there."""
    data = masters.wav(tmp_path / "m.wav", masters.music(8), bits=24).read_bytes()
    label = origin.up()
    url = label.begin(len(data), filename="m.wav", title="Kept")
    (file,) = origin.home.glob(f"uploads/{url.rpartition('/')[2]}/master/*.master")
    told = 0
    for _ in range(2):
        told = _send_until(origin, label, url, told, data)
        assert told >= 500_000
        label = origin.start("--executor")
        head = label.head(url)
        assert head.status == 200
        assert told <= head.offset <= len(data)
        assert file.read_bytes()[: head.offset] == data[: head.offset]
        told = head.offset
    answer = label.append(url, told, data[told:])
    assert answer.status == 204, answer
    job = label.job_done(answer.headers["Headwater-Job"])
    assert (job["state"], job["error"]) == ("done", None)


def _send_until(origin: Origin, label: Label, url: str, offset: int, data: bytes) -> int:
    """Send pieces; the origin is killed amid one. What it had acknowledged."""
    told = offset
    killer = threading.Timer(0.1, origin.kill)
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
            if killer.ident is None:  # amid the next one
                killer.start()
    except (OSError, HTTPException):
        pass  # it is dead
    killer.join()
    return told


def test_tus_js_client_outlives_the_origin(origin: Origin, tmp_path: Path) -> None:
    """Killed and started again under a running client; and it all becomes one track."""
    path = masters.wav(tmp_path / "m.wav", masters.music(5, seed=5), bits=24)
    label = origin.up()
    given = {
        "endpoint": label.url + UPLOADS,
        "file": str(path),
        "token": label.token,
        "chunkSize": 50_000,
        "metadata": {"filename": "m.wav", "title": "Alive"},
        "retry": [200] * 300,
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
        label = origin.start("--executor")
        out, _ = client.communicate(timeout=60)
    seen = json.loads(out)
    assert client.returncode == 0, seen
    assert seen["errors"], seen
    assert label.job_done(seen["job"])["state"] == "done"

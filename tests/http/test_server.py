"""Processes: the ready line, the graceful end, several workers, TLS."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from configs.settings import OriginSettings
from origin.listening import ServeError, address_url, require_free, reserve
from origin.server import serve
from tests.support import house as houses
from tests.support.house import House

ROOT = Path(__file__).parents[2]
SCRIPT = """
import logging, sys
from pathlib import Path
from configs.settings import OriginSettings
from origin.server import serve
from tests.support import house as houses
logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
settings = OriginSettings.model_validate_json(sys.argv[2])
house = houses.House(Path(sys.argv[1]), None, {})
serve(settings, lambda: houses.open_deps(house, settings))
"""

Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start(house: House) -> Iterator[Start]:
    """Start a server process on the house; all are ended with the test."""
    processes = []

    def run(**settings: object) -> tuple[subprocess.Popen[str], str]:
        document = json.dumps({"port": 0, "shutdown_grace_s": 5, **settings}, default=str)
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(house.root), document],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.fullmatch(r"headwater: serving at (\S+)\n", line)
        assert match is not None, line + process.stderr.read()
        return process, match[1]

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def get(url: str, context: ssl.SSLContext | None = None) -> int:
    with urllib.request.urlopen(url, timeout=10, context=context) as response:
        return int(response.status)


def children(process: subprocess.Popen[str]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(text) for text in path.read_text().split()]


@pytest.mark.server
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_and_ends_when_told(start: Start, number: int, workers: int) -> None:
    delay_s = 60 if number == signal.SIGINT else 0  # which an interrupt does not wait for
    process, url = start(workers=workers, drain_delay_s=delay_s)
    assert get(f"{url}/readyz") == 200
    process.send_signal(number)
    assert process.wait(10) == 0


@pytest.mark.server
def test_a_running_answer_is_finished(start: Start, house: House) -> None:
    process, url = start()
    port = int(url.rpartition(":")[2])
    token = _token(house)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        path = f"/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}/flac.mp4"
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = client.recv(1024)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
        while chunk := client.recv(1 << 16):
            received += chunk
    stored = house.root / "storage/tracks" / houses.TRACK / houses.REVISION / "flac.mp4"
    assert received.partition(b"\r\n\r\n")[2] == stored.read_bytes()
    assert process.wait(10) == 0


@pytest.mark.server
@pytest.mark.parametrize("workers", [1, 2])
def test_it_drains_before_it_ends(start: Start, workers: int) -> None:
    process, url = start(workers=workers, drain_delay_s=1.5)
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status": "ok"}'
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    connection.request("GET", "/readyz")  # on the connection that was there
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (503, "close")
    assert json.loads(answer.read())["status"] == "draining"
    assert get(f"{url}/healthz") == 200  # on a new one
    assert process.wait(10) == 0


@pytest.mark.server
@pytest.mark.parametrize("workers", [1, 2])
def test_told_twice_it_ends_at_once(start: Start, workers: int) -> None:
    process, url = start(drain_delay_s=60, workers=workers)
    assert get(f"{url}/healthz") == 200
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


@pytest.mark.server
def test_a_dead_worker_is_replaced(start: Start) -> None:
    process, url = start(workers=2)
    before = children(process)
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        now = children(process)
        if len(now) == 2 and before[0] not in now:
            break
        time.sleep(0.05)
    assert len(now) == 2
    for _ in range(20):
        assert get(f"{url}/healthz") == 200
    process.terminate()
    assert process.wait(10) == 0


@pytest.mark.server
def test_workers_end_with_their_parent(start: Start) -> None:
    process, _ = start(workers=2)
    workers = children(process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(map(_is_running, workers)):
        time.sleep(0.05)
    assert not any(map(_is_running, workers))


def raw_head(url: str, context: ssl.SSLContext) -> str:
    """Status line and header fields, asked for over the newest TLS that both can."""
    host, _, path = url.removeprefix("https://").partition("/")
    name, _, port = host.partition(":")
    with (
        socket.create_connection((name, int(port))) as raw,
        context.wrap_socket(raw, server_hostname=name) as connection,
    ):
        assert connection.version() == "TLSv1.3"
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return connection.recv(65536).decode("latin-1").partition("\r\n\r\n")[0]


@pytest.mark.server
def test_tls_1_3_alone_where_the_settings_say_so(start: Start, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    _, url = start(tls_certificate=certificate, tls_key=key, tls_minimum="1.3")
    context = ssl.create_default_context(cafile=str(certificate))
    assert "HTTP/1.1 200" in raw_head(f"{url}/healthz", context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(urllib.error.URLError, match="SSL"):
        get(f"{url}/healthz", context)


def self_signed(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.mark.server
def test_tls_from_a_certificate(start: Start, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    process, url = start(tls_certificate=certificate, tls_key=key)
    assert url.startswith("https://")
    context = ssl.create_default_context(cafile=str(certificate))
    assert get(f"{url}/healthz", context) == 200
    for path in ("healthz", "v1/t/x"):  # aiohttp's own response, and a prepared one
        assert "Strict-Transport-Security: max-age=31536000" in raw_head(f"{url}/{path}", context)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    port = int(url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(raw)
    process.terminate()
    assert process.wait(10) == 0


def test_a_port_in_use_is_named() -> None:
    with reserve("127.0.0.1", 0, shared=True) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        for workers in (1, 2):
            settings = OriginSettings(port=port, workers=workers)
            with pytest.raises(ServeError, match=rf"127\.0\.0\.1:{port}: address already in use"):
                serve(settings, lambda: pytest.fail("never opened"))
        with pytest.raises(ServeError):
            require_free("127.0.0.1", port)


def test_a_host_that_is_none_is_named() -> None:
    settings = OriginSettings(host="no such host", port=0)
    with pytest.raises(ServeError, match="no such host"):
        serve(settings, lambda: pytest.fail("never opened"))


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text("nothing")
    for path in (certificate, tmp_path / "missing.pem"):
        settings = OriginSettings(port=0, tls_certificate=path, tls_key=path)
        with pytest.raises(ServeError, match=rf"{path}: not a usable certificate"):
            serve(settings, lambda: pytest.fail("never opened"))


def test_ipv6_addresses_are_written_in_brackets() -> None:
    with suppress(ServeError), reserve("::1", 0, shared=False) as bound:
        assert address_url(bound, tls=True).startswith("https://[::1]:")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _token(house: House) -> str:
    async def issue() -> str:
        async with houses.open_deps(house) as deps:
            return houses.playback_token(deps)

    return asyncio.run(issue())

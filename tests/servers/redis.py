"""A real Redis, started once for all tests that ask for one, and gone with them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.servers import free_port

_MISSING = (
    "Redis is not installed: scripts/setup test installs it "
    "(on Debian or Ubuntu: apt-get install redis-server)"
)
_PATIENCE_S = 20.0


@dataclass
class Redis:
    """The server: a folder, a port, and the process."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """What a client connects to."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("redis-server")
        assert program is not None, _MISSING
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.folder),
            "appendonly": "yes",  # what was sent survives a restart
            "appendfsync": "always",
            "save": "",
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        log = (self.folder / "log").open("ab")
        with log:
            # Even if we are killed, nothing is left running.
            argv = ["setpriv", "--pdeathsig", "KILL", program, *words]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "Redis does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def kill(self) -> None:
        """`kill -9`; it can be started again."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def clear(self) -> None:
        """Forget everything."""
        assert self._says(b"FLUSHALL\r\n").startswith(b"+OK")

    def _answers(self) -> bool:
        try:
            return self._says(b"PING\r\n").startswith(b"+PONG")
        except OSError:
            return False

    def _says(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(command)
            return connection.recv(16)


@contextmanager
def running() -> Iterator[Redis]:
    """One with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="headwater-redis-") as folder:
        server = Redis(Path(folder), free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """One for the session; each test takes a database of its own."""
    with running() as server:
        yield server

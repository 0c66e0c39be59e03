"""A real RabbitMQ, started once for all tests that ask for one, and gone with them.

Debian's package starts a service where it can: this one is another, with a node name, a cookie,
ports and a name server (epmd) of its own, which are all ended with it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kombu import Connection

from scripts.servers import free_port
from tests.servers.processes import guard, kill_marked

_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
_MISSING = (
    "RabbitMQ is not installed: scripts/setup test installs it "
    "(on Debian or Ubuntu: apt-get install rabbitmq-server)"
)
_COMPOSE = Path(__file__).parents[2] / "configs/deploy/compose"
_PATIENCE_S = 90.0
_QUEUES = ("headwater.hot", "headwater.bulk")
_CONFIG = """
listeners.tcp.local = 127.0.0.1:{port}
log.console = false
log.file.level = warning
vm_memory_high_watermark.relative = 0.9
disk_free_limit.absolute = 1MB
"""


@dataclass
class RabbitMq:
    """The server: a folder, ports, and the processes."""

    folder: Path
    port: int = field(default_factory=free_port)
    _distribution_port: int = field(default_factory=free_port)
    _epmd_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def url(self, virtual_host: str = "/") -> str:
        """What a client connects to."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{virtual_host.replace('/', '%2F')}"

    def prepare(self) -> None:
        """Make its folder, for its own user where we are root."""
        assert _SERVER.exists(), _MISSING
        shipped = (_COMPOSE / "rabbitmq.conf").read_text()
        (self.folder / "rabbitmq.conf").write_text(_CONFIG.format(port=self.port) + shipped)
        (self.folder / "plugins").write_text("[].")
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(20))
        cookie.chmod(0o400)
        if os.geteuid() == 0:
            user = pwd.getpwnam("rabbitmq")
            for one in (self.folder, *self.folder.iterdir()):
                os.chown(one, user.pw_uid, user.pw_gid)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self.folder / "said").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._as_its_user(), str(_SERVER)],
                env=self._environment(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "said").read_text()
            assert time.monotonic() < deadline, "RabbitMQ does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the broker; what was confirmed stays in its folder."""
        if self.process is None:
            return
        for number, patience_s in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            try:
                self.process.wait(patience_s)
                break
            except subprocess.TimeoutExpired:
                continue
        kill_marked(self._mark)
        self.process = None

    def clear(self) -> None:
        """Remove the queues of workers, and what is in them (rabbitmqctl would take seconds)."""
        with Connection(self.url()) as connection, connection.channel() as channel:
            for name in _QUEUES:
                channel.queue_delete(name)

    def purge(self, queue: str) -> None:
        """Lose all messages of a queue."""
        with Connection(self.url()) as connection, connection.channel() as channel:
            channel.queue_purge(queue)

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl."""
        done = subprocess.run(
            [*self._as_its_user(), str(_CONTROL), *arguments],
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def kill(self) -> None:
        """`kill -9` for all of it, as when its machine goes; it can be started again."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # What Erlang has beside: its name server, and helpers in sessions of their own.
        kill_marked(self._mark)
        self.process.wait()
        self.process = None

    @property
    def _mark(self) -> str:
        return f"HOME={self.folder}"

    def _as_its_user(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        return ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups", "--"]

    def _environment(self) -> Mapping[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": folder,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            # One scheduler is enough for a few hundred messages, and leaves the cores to the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            "RABBITMQ_NODENAME": f"headwater-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }

    def _answers(self) -> bool:
        """Whether it speaks AMQP: the port alone is open before it takes clients."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(8))
        except OSError:
            return False


@contextmanager
def running() -> Iterator[RabbitMq]:
    """One with its default virtual host, and nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-rabbitmq-"))
    server = RabbitMq(folder)
    with guard(f"HOME={folder}", folder):
        try:
            server.prepare()
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMq]:
    """One for the session."""
    with running() as server:
        yield server

"""A real PostgreSQL, started once for all tests that ask for one, and gone with them.

It sorts as English does (ICU), not byte by byte as SQLite: what depends on that is found out. Its
user has a password. Nothing is synced to the disk: a power cut is not what is tested.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from catalog.engine import Catalog
from scripts.servers import free_port
from tests.servers.processes import tree

USER = "headwater"
PASSWORD = "canary-password-of-the-tests"
_MISSING = (
    "PostgreSQL's server (13 or newer) is not installed: scripts/setup test installs it "
    "(on Debian or Ubuntu: apt-get install postgresql)"
)
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}
_PATIENCE_S = 30.0


def binary(name: str) -> Path:
    """One of the server's own programs, which are in nobody's PATH; the newest version's."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name)
    )
    for folder in reversed(folders):
        if (folder / name).exists():
            return folder / name
    found = shutil.which(name)
    assert found is not None, _MISSING
    return Path(found)


@dataclass
class Postgres:
    """The server: a folder, a port, and the process."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str, **query: str) -> str:
        """The catalog's URL of a database."""
        options = "&".join(f"{name}={value}" for name, value in query.items())
        place = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql+psycopg://{USER}:{PASSWORD}@{place}" + (options and f"?{options}")

    def create(self, template: str = "template0") -> str:
        """Make a database like another one, in some 50 ms; return its URL."""
        name = f"test_{next(self._numbers)}"
        self.run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected to it."""
        name = sql.Identifier(database_of(url))
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def run(self, statement: sql.Composed, database: str = "postgres") -> None:
        """Run a statement outside of a transaction; start the server if a test has stopped it."""
        if self.process is None:
            self.start()
        place = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD}"
        with psycopg.connect(f"{place} dbname={database}", autocommit=True) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Start it, and return when it answers. Of the main thread: it ends with its starter."""
        place = {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        settings = {**_FAST, **self.settings, **place}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = [str(binary("postgres")), "-D", str(self.folder / "data"), *arguments]
        with (self.folder / "log").open("ab") as log:
            # Even if we are killed, nothing is left running.
            argv = ["setpriv", "--pdeathsig", "QUIT", *_as_somebody(), *program]
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it at once; whoever is connected is thrown out."""
        if self.process is not None:
            self.process.send_signal(2)  # a "fast" shutdown
            try:
                self.process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def kill(self) -> None:
        """`kill -9` for all of its processes at once; it can be started again, and recovers."""
        assert self.process is not None
        for pid in tree(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    @contextmanager
    def standby(self) -> Iterator[Postgres]:
        """A read-only server beside it, which streams from it."""
        folder = _folder()
        other = Postgres(folder, free_port())
        place = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD}"
        command = ["-D", str(folder / "data"), "-d", place, "-R", "-X", "stream", "-c", "fast"]
        try:
            _run(folder, "pg_basebackup", *command, "--no-sync")
            other.start()
            yield other
        finally:
            other.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def _answers(self) -> bool:
        place = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD}"
        try:
            psycopg.connect(f"{place} dbname=postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def database_of(url: str) -> str:
    """The database's name in a URL."""
    found = re.search(r"/([^/?]+)(\?|$)", url.partition("@")[2])
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server, running."""
    with running() as server:
        yield server


@contextmanager
def running(kept: Path | None = None, **settings: str) -> Iterator[Postgres]:
    """A server of its own, with these settings besides; of what is in a folder that is `kept`."""
    folder = _folder(kept)
    server = Postgres(folder, free_port(), settings=settings)
    try:
        if not (folder / "data" / "PG_VERSION").exists():
            _make(folder)
        server.start()
        yield server
    finally:
        server.stop()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """The name of a database that has a catalog's tables, and nothing in them."""
    url = postgres.create()

    async def migrate() -> None:
        await (await Catalog.open(url)).close()

    asyncio.run(migrate())
    return database_of(url)


def _folder(kept: Path | None = None) -> Path:
    folder = kept or Path(tempfile.mkdtemp(prefix="headwater-postgres-"))
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        owner = _somebody()
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    return folder


def _make(folder: Path) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    how = ["--username", USER, f"--pwfile={password}", "--auth=scram-sha-256", "-E", "UTF8"]
    how += ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]
    _run(folder, "initdb", "-D", str(folder / "data"), "--no-sync", *how)
    password.unlink()


def _run(folder: Path, program: str, *arguments: str) -> None:
    argv = [str(binary(program)), *arguments]
    if as_somebody := _as_somebody():
        argv = ["setpriv", *as_somebody, *argv]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _as_somebody() -> list[str]:
    """What `setpriv` is to do: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    owner = _somebody()
    return [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


def _somebody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")

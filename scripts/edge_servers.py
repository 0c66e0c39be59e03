"""Runs a real nginx or Varnish with the packaged configuration in front of an origin.

For `scripts/edge`, for tests and for benches: everything is in one folder, nothing is left behind.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from configs import edge
from scripts.servers import free_port

_START_S = 15.0
_STOP_S = 10.0
_FILES = 65536  # that a worker of nginx may have open, as packaged
_NGINX_MODULE = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so"


class EdgeFailed(Exception):
    """The server is not installed, or ended at once; the message says why."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A running edge."""

    kind: edge.Kind
    port: int
    purge_url: str  # where purges are sent to, without a slash at its end
    folder: Path  # its logs, its cache
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where listeners reach it."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running_nginx(
    origin: str,
    folder: Path,
    *,
    port: int = 0,
    lines: Mapping[str, str | None] | None = None,
    workers: int = 1,
) -> Iterator[Edge]:
    """Run nginx in front of `origin` (host:port) until the end of the block.

    `lines` are further ones of the configuration, by name.
    """
    program = find_program("nginx")
    if not Path(_NGINX_MODULE).exists():
        msg = "nginx has no module cache_purge (Debian: libnginx-mod-http-cache-purge)"
        raise EdgeFailed(msg)
    port, purge_port = port or free_port(), free_port()
    for name in ("cache", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    own: dict[str, str | None] = {
        "user": "user root;" if os.geteuid() == 0 else None,
        **_files(),
        "workers": f"worker_processes {workers};",
        "origin": f"server {origin} max_fails=0; " * 3,
        # Several workers get as many listeners each; else one that is quick takes nearly all.
        "listen": f"listen 127.0.0.1:{port} backlog=4096{' reuseport' if workers > 1 else ''};",
        "listen 6": None,
        "certificate": None,
        "certificate key": None,
        "purge": f"listen 127.0.0.1:{purge_port};",
    }
    with tempfile.TemporaryDirectory(prefix="edge-", dir=_memory()) as answers:
        own["auth"] = (
            f"proxy_cache_path {answers}/auth levels=1:2 keys_zone=auth:32m max_size=256m "
            "inactive=1m use_temp_path=off;"
        )
        config = folder / "nginx.conf"
        config.write_text(edge.fitted("nginx", {**own, **(lines or {})}))
        command = (
            *(program, "-p", f"{folder}/", "-c", str(config), "-e", f"{folder}/error.log"),
            *("-g", "daemon off;"),
        )
        with _running(command, folder, port) as process:
            yield Edge("nginx", port, f"http://127.0.0.1:{purge_port}", folder, process)


def _files() -> dict[str, str]:
    """Lines for a system that lets nginx have fewer open files than the configuration says."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= _FILES:
        return {}
    return {
        "files": f"worker_rlimit_nofile {most};",
        "open files": f"open_file_cache max={most // 4} inactive=1m;",
    }


def _memory() -> Path | None:
    """Where files rest in memory, if there is such a place."""
    shared = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    return shared if shared.is_dir() else None


@contextmanager
def running_varnish(
    origin: str,
    folder: Path,
    *,
    port: int = 0,
    lines: Mapping[str, str | None] | None = None,
    memory: str = "256m",
) -> Iterator[Edge]:
    """Run Varnish in front of `origin` (host:port) until the end of the block."""
    program = find_program("varnishd")
    host, _, origin_port = origin.rpartition(":")
    own: dict[str, str | None] = {
        "origin host": f'.host = "{host}";',
        "origin port": f'.port = "{origin_port}";',
    }
    port = port or free_port()
    config = folder / "varnish.vcl"
    config.write_text(edge.fitted("varnish", {**own, **(lines or {})}))
    command = (
        *(program, "-F", "-n", str(folder / "work"), "-f", str(config)),
        *("-a", f"127.0.0.1:{port}", "-s", f"malloc,{memory}", "-T", "none"),
        *("-p", "listen_depth=4096"),
        *own_user(),
    )
    with _running(command, folder, port) as process:
        yield Edge("varnish", port, f"http://127.0.0.1:{port}", folder, process)


def own_user() -> tuple[str, ...]:
    """Let varnishd stay whoever started it: a user of its own could not enter a private folder."""
    return ("-j", "none") if os.geteuid() == 0 else ()


def find_program(name: str) -> str:
    """The path of a server, which may be where only root looks."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/local/sbin:/usr/sbin:/sbin"
    program = shutil.which(name, path=path)
    if program is None:
        msg = f"{name} is not installed: `scripts/setup test` brings it"
        raise EdgeFailed(msg)
    return program


@contextmanager
def _running(
    command: tuple[str, ...], folder: Path, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    log = folder / "said.log"
    with log.open("wb") as said:
        # A session of its own: Ctrl-C at a terminal is ours to pass on, once.
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    try:
        _wait(process, port, folder)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    said = [file for file in (folder / "said.log", folder / "error.log") if file.exists()]
    texts = "\n".join(file.read_text(errors="replace")[-2000:] for file in said)
    msg = f"{command_name(process)} did not start:\n{texts}"
    raise EdgeFailed(msg)


def command_name(process: subprocess.Popen[bytes]) -> str:
    """The program that a process is of."""
    arguments = process.args
    return Path(str(arguments[0])).name if isinstance(arguments, (list, tuple)) else str(arguments)

"""nginx as a dumb file server: no origin, no key server, nothing of ours."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.servers import free_port

START_S = 10
_TYPES = "types { text/html html; text/javascript js; audio/mp4 mp4; }"


@contextmanager
def serving_files(root: Path, scratch: Path) -> Iterator[str]:
    """The address at which nginx serves a folder, until the end of the block."""
    with running_nginx(f"{_TYPES} root {root};", scratch) as url:
        yield url


@contextmanager
def running_nginx(server: str, scratch: Path, common: str = "") -> Iterator[str]:
    """The address of an nginx with these directives in its one server, and those beside it."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert program, "there is no nginx: run `scripts/setup test`, which brings it"
    port = free_port()
    temps = " ".join(
        f"{kind}_temp_path {scratch}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = scratch / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; user root; pid {scratch}/nginx.pid;\n"
        f"error_log {scratch}/error.log; events {{}}\n"
        f"http {{ access_log off; {temps} {common}\n"
        f"  server {{ listen 127.0.0.1:{port}; {server} }} }}\n"
    )
    process = subprocess.Popen(
        (program, "-p", str(scratch), "-e", f"{scratch}/error.log", "-c", str(config)),
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(START_S)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "nginx ended at once"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    msg = "nginx does not answer"
    raise AssertionError(msg)

"""ClamAV's own daemon with one signature of its own: EICAR's harmless test file."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.servers import free_port

_MISSING = (
    "clamd is not installed: scripts/setup test installs it "
    "(on Debian or Ubuntu: apt-get install clamav-daemon)"
)
_PATIENCE_S = 20.0
# https://www.eicar.org: every scanner takes it for a virus. In two parts, so that this is none.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
STREAM_BYTES = 3 << 20  # that it takes of a file
_CONFIGURATION = """\
LocalSocket {socket}
TCPSocket {port}
TCPAddr 127.0.0.1
DatabaseDirectory {database}
StreamMaxLength {most}
Foreground yes
User {user}
"""


@contextmanager
def clamd(folder: Path) -> Iterator[tuple[str, str]]:
    """Its two addresses, by a socket in the folder and by TCP, until the end of the block."""
    program = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program is not None, _MISSING
    database = folder / "signatures"
    database.mkdir(exist_ok=True)
    (database / "own.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    port = free_port()
    path, config, log = folder / "clamd.ctl", folder / "clamd.conf", folder / "clamd.log"
    config.write_text(
        _CONFIGURATION.format(
            socket=path, port=port, database=database, most=STREAM_BYTES, user=folder.owner()
        )
    )
    argv = ["setpriv", "--pdeathsig", "KILL", program, "--config-file", str(config)]
    with log.open("wb") as said, subprocess.Popen(argv, stdout=said, stderr=said) as process:
        try:
            deadline = time.monotonic() + _PATIENCE_S
            while not _answers(path):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, "clamd does not answer"
                time.sleep(0.02)
            yield f"unix:{path}", f"tcp:127.0.0.1:{port}"
        finally:
            process.kill()
            path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(path))
            asked.sendall(b"zPING\0")
            return asked.recv(10) == b"PONG\0"
    except OSError:
        return False

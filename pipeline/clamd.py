"""ClamAV's daemon, asked whether there is something in a file. clamd(8), INSTREAM."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError

_BLOCK = 1 << 20
_TIMEOUT_S = 120.0  # for the answer to a small file
_SLOWEST_BPS = 2 << 20  # bytes a second that are sent and scanned on a machine with much to do
_PING_S = 5.0
_MAX_REPLY = 4 << 10


class ScannerAway(PipelineError):
    """It cannot be asked now, or gave no answer."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """Where it listens: `unix:/run/clamav/clamd.ctl` or `tcp:host:3310`."""

    address: str

    async def scan(self, path: Path) -> str | None:
        """The name of what was found; None where nothing was. ScannerAway."""
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        reply = await self._asked(scan_s(size), b"zINSTREAM\0", path)
        text = reply.rstrip(b"\0\n").decode(errors="replace")
        if text.endswith(" FOUND"):
            return text.removeprefix("stream: ").removesuffix(" FOUND")
        if text != "stream: OK":
            more = " (raise StreamMaxLength, MaxFileSize and MaxScanSize)" * ("size limit" in text)
            raise ScannerAway(f"clamd at {self.address}: {text or 'no answer'}{more}")
        return None

    async def ping(self) -> None:
        """Ask whether it is there. ScannerAway."""
        if await self._asked(_PING_S, b"zPING\0") != b"PONG\0":
            raise ScannerAway(f"clamd at {self.address}: no answer")

    async def _asked(self, seconds: float, command: bytes, path: Path | None = None) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(self._exchange, seconds, command, path)
        except (OSError, TimeoutError) as exc:
            raise ScannerAway(f"clamd at {self.address}: {str(exc) or type(exc).__name__}") from exc

    def _exchange(self, seconds: float, command: bytes, path: Path | None) -> bytes:
        """Send a command, and a file behind it; what is said to that.

        Blocking: asyncio drops what has come unread when it cannot send, and that is the answer
        where a stream is larger than StreamMaxLength: it says so and hangs up.
        """
        with self._connected(seconds) as one:
            with suppress(ConnectionError):
                one.sendall(command)
                if path is not None:
                    _send(one, path)
            return one.recv(_MAX_REPLY)

    def _connected(self, seconds: float) -> socket.socket:
        kind, _, where = self.address.partition(":")
        if kind == "unix":
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(seconds)
            try:
                one.connect(where)
            except BaseException:
                one.close()
                raise
            return one
        host, _, port = where.rpartition(":")
        return socket.create_connection((host, int(port)), seconds)


def scan_s(size: int) -> float:
    """How long a file of so many bytes may take to be sent and scanned, seconds.

    As long as a master is late it is not taken, and the next look begins from its first byte.
    """
    return _TIMEOUT_S + size / _SLOWEST_BPS


def _send(one: socket.socket, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            one.sendall(struct.pack(">I", len(block)) + block)
    one.sendall(struct.pack(">I", 0))

"""ClamAV's daemon, asked whether there is something in a file. clamd(8), INSTREAM."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError

_BLOCK = 1 << 20
_TIMEOUT_S = 120.0  # for the answer; a scan of a large file takes its time
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
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                reply = await self._ask(path)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as exc:
            raise ScannerAway(f"clamd at {self.address}: {str(exc) or type(exc).__name__}") from exc
        text = reply.rstrip(b"\0\n").decode(errors="replace")
        if text.endswith(" FOUND"):
            return text.removeprefix("stream: ").removesuffix(" FOUND")
        if text != "stream: OK":
            more = " (raise StreamMaxLength, MaxFileSize and MaxScanSize)" * ("size limit" in text)
            raise ScannerAway(f"clamd at {self.address}: {text or 'no answer'}{more}")
        return None

    async def ping(self) -> None:
        """Ask whether it is there. ScannerAway."""
        try:
            async with asyncio.timeout(_PING_S):
                reader, writer = await self._connect()
                try:
                    writer.write(b"zPING\0")
                    reply = await reader.read(_MAX_REPLY)
                finally:
                    writer.close()
        except (OSError, TimeoutError) as exc:
            raise ScannerAway(f"clamd at {self.address}: {str(exc) or type(exc).__name__}") from exc
        if reply != b"PONG\0":
            raise ScannerAway(f"clamd at {self.address}: no answer")

    async def _ask(self, path: Path) -> bytes:
        reader, writer = await self._connect()
        try:
            writer.write(b"zINSTREAM\0")
            with path.open("rb") as file:
                while block := await asyncio.to_thread(file.read, _BLOCK):
                    writer.write(struct.pack(">I", len(block)) + block)
                    await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
            return await reader.read(_MAX_REPLY)
        except ConnectionError:
            # It says why and hangs up where a stream is larger than its StreamMaxLength.
            return await reader.read(_MAX_REPLY)
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        kind, _, where = self.address.partition(":")
        if kind == "unix":
            return await asyncio.open_unix_connection(where)
        host, _, port = where.rpartition(":")
        return await asyncio.open_connection(host, int(port))

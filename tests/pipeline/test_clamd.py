"""ClamAV's protocol, against a server that speaks it, and files that it finds something in."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipeline.clamd import Clamd, ScannerAway

SIGNATURE = b"X5O!P%@AP-not-the-real-one"
MOST = 3 << 20  # bytes that it takes, as StreamMaxLength says


async def scan(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """clamd(8): zINSTREAM, chunks with their lengths, a chunk of none; then one line, and NUL."""
    assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
    seen = b""
    while size := struct.unpack(">I", await reader.readexactly(4))[0]:
        seen += await reader.readexactly(size)
        if len(seen) > MOST:
            writer.write(b"INSTREAM size limit exceeded. ERROR\0")
            writer.close()
            return
    found = b"stream: Win.Test-1 FOUND\0" if SIGNATURE in seen else b"stream: OK\0"
    writer.write(found)
    writer.close()


@asynccontextmanager
async def unix_clamd(folder: Path) -> AsyncIterator[str]:
    path = folder / "clamd.ctl"
    async with await asyncio.start_unix_server(scan, path):
        yield f"unix:{path}"


@pytest.mark.parametrize(
    ("data", "found"),
    [(b"", None), (b"RIFF" * 1000, None), (bytes(2_500_000) + SIGNATURE, "Win.Test-1")],
)
async def test_it_says_what_is_in_a_file(tmp_path: Path, data: bytes, found: str | None) -> None:
    file = tmp_path / "a.master"
    file.write_bytes(data)
    async with unix_clamd(tmp_path) as address:
        assert await Clamd(address).scan(file) == found
    async with await asyncio.start_server(scan, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await Clamd(f"tcp:127.0.0.1:{port}").scan(file) == found


async def test_a_file_that_it_does_not_look_at_is_not_clean(tmp_path: Path) -> None:
    file = tmp_path / "a.master"
    file.write_bytes(bytes(MOST + 1))
    async with unix_clamd(tmp_path) as address:
        with pytest.raises(ScannerAway, match="clamd at"):
            await Clamd(address).scan(file)


async def test_a_scanner_that_is_away_is_no_clean_file(tmp_path: Path) -> None:
    file = tmp_path / "a.master"
    file.write_bytes(b"x")
    for address in (f"unix:{tmp_path}/none", "tcp:127.0.0.1:1"):
        with pytest.raises(ScannerAway, match="clamd at"):
            await Clamd(address).scan(file)

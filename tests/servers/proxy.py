"""A TCP proxy before an HTTP server, that does to chosen requests what networks do."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)\r$")
_CONNECTION = re.compile(rb"(?im)^(connection|expect):[^\r]*\r\n")
_EXPECTS = re.compile(rb"(?im)^expect: *100-continue\r$")


@dataclass(frozen=True)
class Fault:
    """What happens to one request; the default is nothing."""

    method: str
    times: int = 1
    skip: int = 0  # so many requests of the method pass before
    answer: bytes | None = None  # instead of the server's
    is_lost: bool = False  # the server does it, and nobody hears of it
    request_bytes: int | None = None  # of its body, then the connection is cut
    response_bytes: int | None = None  # of the body that is passed on, then it is cut
    delay_s: float = 0.0  # before the answer
    request: Callable[[bytes], bytes] = bytes  # changes the body on the way there
    response: Callable[[bytes, bytes], tuple[bytes, bytes]] = lambda head, body: (head, body)


@dataclass
class Proxy:
    """Where it listens, what it is to do, and what it saw."""

    endpoint: str = ""
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)  # request lines
    has_put: asyncio.Event = field(default_factory=asyncio.Event)  # a PUT has begun
    is_holding: asyncio.Event = field(default_factory=asyncio.Event)  # an answer is held back

    def take(self, method: str) -> Fault | None:
        """The fault for the next request of that method, if there is one."""
        for index, fault in enumerate(self.faults):
            if fault.method == method:
                if fault.skip:
                    self.faults[index] = replace(fault, skip=fault.skip - 1)
                    return None
                if fault.times == 1:
                    del self.faults[index]
                else:
                    self.faults[index] = replace(fault, times=fault.times - 1)
                return fault
        return None


def flip(at: int) -> Callable[[bytes], bytes]:
    """Turn one bit over."""

    def flipped(body: bytes) -> bytes:
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]

    return flipped


def answer(status: int, code: str, fields: str = "") -> bytes:
    """An error as S3 servers say it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\n{fields}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def proxying(host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy before that server, until the end of the block; it may speak TLS."""
    proxy = Proxy()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await _exchange(proxy, (host, port), reader, writer):
                    pass
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20, ssl=tls)
    proxy.endpoint = (
        f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    )
    try:
        yield proxy
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()


async def _exchange(
    proxy: Proxy,
    target: tuple[str, int],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """One request and its answer; False where the connection is to be cut."""
    head = await reader.readuntil(b"\r\n\r\n")
    line = head.partition(b"\r\n")[0].decode()
    proxy.seen.append(line)
    if line.startswith("PUT"):
        proxy.has_put.set()
    fault = proxy.take(line.partition(" ")[0]) or Fault("")
    if _EXPECTS.search(head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = _LENGTH.search(head)
    size = int(length[1]) if length else 0
    if fault.request_bytes is not None:
        await reader.readexactly(min(size, fault.request_bytes))
        return False
    body = fault.request(await reader.readexactly(size)) if size else b""
    if fault.answer is not None:
        writer.write(fault.answer)
        await writer.drain()
        return True
    said, told = await _forward(target, head, body)
    if fault.delay_s:
        proxy.is_holding.set()
        await asyncio.sleep(fault.delay_s)
    if fault.is_lost:
        return False
    said, told = fault.response(said, told)
    if fault.response_bytes is not None:
        writer.write(said + told[: fault.response_bytes])
        await writer.drain()
        return False
    writer.write(said + told)
    await writer.drain()
    return False  # what is left of a changed answer must not be taken for the next


async def _forward(target: tuple[str, int], head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The server's answer: head and body, over a connection of its own."""
    reader, writer = await asyncio.open_connection(*target)
    try:
        plain = _CONNECTION.sub(b"", head)
        writer.write(plain[:-2] + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        answered = await reader.read(-1)
    finally:
        writer.close()
    said, _, told = answered.partition(b"\r\n\r\n")
    return _CONNECTION.sub(b"", said + b"\r\n") + b"Connection: close\r\n\r\n", told

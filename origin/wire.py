"""Responses whose bytes are prepared once and written as they are.

Why: serializing a header dictionary costs aiohttp more than everything else that a hot segment
needs. These responses keep to the public parts of `StreamResponse` that the server calls
(`prepare`, `write_eof`, `keep_alive`, `status`, `body_length`) and to `request.writer`; the tests
in tests/http/test_wire.py talk to them over sockets and fail when aiohttp changes underneath.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple, Protocol

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter

from origin.headers import HSTS, STRICT_TRANSPORT_SECURITY

ONE_WRITE = 16 << 10  # bytes: below this, joining head and body is cheaper than a second write


class Prepared(NamedTuple):
    """A response but for what is the connection's and the moment's."""

    status: int
    head: bytes  # see `head`
    body: bytes = b""
    problem: str | None = None  # the machine-readable reason of a refusal: it is counted


class Begun(NamedTuple):
    """A response that may be sent once something is done, if that ends well."""

    prepared: Prepared
    done: asyncio.Future[None] | None  # None: now


class _Clock:
    """The Date header's line, made once per second. RFC 9110, 6.6.1."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        """The line of now, with its end."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode("ascii")
        return self._line


CLOCK = _Clock()


# tus 1.0.0, "Checksum": the one status that HTTP's registry does not have.
_UNREGISTERED = {460: "Checksum Mismatch"}


def _phrase(status: int) -> str:
    return _UNREGISTERED.get(status) or HTTPStatus(status).phrase


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and header lines, without Date and Connection and without the empty line.

    ValueError for a control character in a value: nothing may start a header of its own.
    """
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            msg = f"header {name} has a character that is not allowed: {value!r}"
            raise ValueError(msg)
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


class WireResponse(web.StreamResponse):
    """A response of prepared head and body bytes; `body` must be empty for HEAD and 304."""

    def __init__(
        self, status: int, head: bytes, body: bytes = b"", problem: str | None = None
    ) -> None:
        super().__init__(status=status)
        self.problem = problem
        self._wire_head = head
        self._wire_body = body
        self._wire_writer: AbstractStreamWriter | None = None
        self._wire_keep_alive = False
        self._wire_size = 0
        self._wire_is_last = False

    def force_close(self) -> None:
        """Let the connection end after this response."""
        self._wire_is_last = True

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open after this response."""
        return self._wire_keep_alive

    @property
    def body_length(self) -> int:
        """Bytes written, head included (what aiohttp counts, too)."""
        return self._wire_size

    def add(self, name: str, value: str) -> None:
        """One more header line; `value` is printable ASCII. Before `prepare`."""
        self._wire_head += f"{name}: {value}\r\n".encode("ascii")

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Complete the head for this connection; nothing is written yet."""
        if self._wire_writer is None:
            self._wire_writer = request.writer
            self._wire_keep_alive = request.keep_alive and not self._wire_is_last
            connection = _connection(request, keep_alive=self._wire_keep_alive)
            self._wire_head += CLOCK.line() + connection + b"\r\n"
        return self._wire_writer

    async def write_eof(self, _data: bytes = b"") -> None:
        """Write head and body."""
        writer = self._writer()
        body = self._wire_body
        self._wire_size = len(self._wire_head) + len(body)
        if len(body) < ONE_WRITE:
            await writer.write_eof(self._wire_head + body)
        else:
            await writer.write(self._wire_head)
            await writer.write_eof(body)

    def _writer(self) -> AbstractStreamWriter:
        if self._wire_writer is None:
            msg = "write_eof() before prepare()"
            raise RuntimeError(msg)
        return self._wire_writer


class Waits(Protocol):
    """Where those are counted that wait for storage or catalog."""

    running: int


class BrokenBody(Exception):
    """A body could not be gone on with, after its head was sent; `error` is why."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


class StreamedResponse(WireResponse):
    """A prepared head, then chunks as they come, each written before the next is asked for.

    The head's Content-Length must be the chunks' sum. BrokenBody where a chunk is not to be had:
    the connection is to end then, which is how HTTP/1.1 says that a body is incomplete.
    """

    def __init__(self, status: int, head: bytes, chunks: AsyncIterator[bytes]) -> None:
        super().__init__(status, head)
        self._wire_chunks = chunks
        self.waits: Waits | None = None  # where it is counted while it waits for a chunk

    async def write_eof(self, _data: bytes = b"") -> None:
        """Write the head and all chunks, waiting whenever the client is slow."""
        writer = self._writer()
        await writer.write(self._wire_head)
        self._wire_size = len(self._wire_head)
        while (chunk := await self._next()) is not None:
            await writer.write(chunk)
            self._wire_size += len(chunk)
        await writer.write_eof()

    async def _next(self) -> bytes | None:
        if self.waits is not None:
            self.waits.running += 1
        try:
            return await anext(self._wire_chunks, None)
        except Exception as error:
            raise BrokenBody(error) from error
        finally:
            if self.waits is not None:
                self.waits.running -= 1


HSTS_LINE = f"{STRICT_TRANSPORT_SECURITY}: {HSTS}\r\n".encode()


def _connection(request: web.BaseRequest, *, keep_alive: bool) -> bytes:
    """What hangs on this connection: that it stays on TLS, and whether it stays open."""
    return (HSTS_LINE if request.secure else b"") + _persistence(request, keep_alive=keep_alive)


def _persistence(request: web.BaseRequest, *, keep_alive: bool) -> bytes:
    """The Connection header where it differs from the version's default. RFC 9112, 9.3."""
    if not keep_alive:
        return b"Connection: close\r\n"
    if request.version == HttpVersion10:
        return b"Connection: keep-alive\r\n"
    return b""

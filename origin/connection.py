"""Connections that answer the plainest requests themselves; aiohttp answers all others.

Why: parsing a request, building its objects and running two tasks for it cost aiohttp five times
what a segment from memory, or a license, needs besides. A request is answered here if all of it
came in one piece, nothing else goes on in the connection, its head is of the plainest form (see
`plain_head`) and the answer is known. Else its bytes go on to aiohttp's handler as they came.

What this builds on in aiohttp's `RequestHandler`: `_waiter` is set while it waits for a request,
`_messages` holds those that wait, `_request_count` counts those that were parsed, and the
keep-alive timer looks at `_next_keepalive_close_time`. tests/http/test_connection.py fails when
that changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from origin import access_log, problems
from origin.delivery import Reply
from origin.guarded import Guard, GuardedConnection
from origin.plain_head import HeadReader, PlainHead
from origin.wire import CLOCK, HSTS_LINE, ONE_WRITE, Begun, Prepared

MediaShortcut = Callable[[PlainHead], tuple[Reply, bytes] | None]
LicenseShortcut = Callable[[PlainHead, bytes], Begun | Awaitable[Prepared] | None]
CountMedia = Callable[[PlainHead, int, int], None]  # status, bytes sent

_GET = b"GET /v1/t/"
_POST = b"POST /"
_WITHOUT_BODY = (b"GET ", b"HEAD ", b"OPTIONS ", b"DELETE ")
_BODIES = (b"content-length", b"transfer-encoding", b"upgrade", b"expect")
_HELD = 64 << 10  # bytes that a client may send before it has its answer


class Sent(NamedTuple):
    """A response that was written, as far as the access log looks at it."""

    status: int
    body_length: int  # bytes, head included
    problem: str | None


class Connection(GuardedConnection):
    """One client's connection."""

    __slots__ = (
        *("_count_media", "_end", "_held", "_is_whole"),
        *("_license", "_media", "_pending", "_reader"),
    )

    def __init__(
        self,
        server: web.Server,
        guard: Guard,
        media: MediaShortcut,
        license_: LicenseShortcut,
        count_media: CountMedia,
        **options: Any,
    ) -> None:
        super().__init__(server, guard, **options)
        self._media = media
        self._license = license_
        self._count_media = count_media
        # Whether what aiohttp's parser was given ended where a request ended. Once it did not,
        # nobody but the parser knows where requests begin.
        # Where there is a log of all requests, aiohttp reads them: it is not for the hottest path.
        self._is_whole = not access_log.LOGGER.isEnabledFor(logging.INFO)
        self._reader = HeadReader(None)
        self._pending: asyncio.Future[None] | None = None  # an answer that is being made
        self._held = b""  # what came meanwhile
        self._end = b"\r\n"  # of each head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._reader = HeadReader(str(peer[0]) if isinstance(peer, tuple) else None)
        if transport.get_extra_info("sslcontext") is not None:
            self._end = HSTS_LINE + b"\r\n"

    def data_received(self, data: bytes) -> None:
        """Answer, or leave it to aiohttp."""
        if self._pending is not None:
            self._hold(data)
            return
        if self._is_whole and data:  # aiohttp calls itself without data to parse what it has
            if self._is_idle() and self._answered(data):
                return
            self._is_whole = _is_whole(data) or self._reader.post(data) is not None
        super().data_received(data)

    def _is_idle(self) -> bool:
        waiter = self._waiter
        return (
            self._guard.load.is_calm
            # Without a waiter and a request, aiohttp's task has not begun.
            and (self._request_count == 0 if waiter is None else not waiter.done())
            and not self._messages
            and not (self._close or self._force_close or self._paused or self._reading_paused)
            and self._payload_parser is None
            and not self._upgraded
        )

    def _answered(self, data: bytes) -> bool:
        """Whether the request was answered here, or is being."""
        if data.startswith(_GET):
            head = self._reader.media(data)
            ready = None if head is None else self._media(head)
            if head is not None and ready is not None:
                reply, body = ready
                size = self._write(reply.head, body)
                self._count_media(head, reply.status, size)
            return ready is not None
        # Who waits for an answer counts, here as there: aiohttp's handler refuses what is too much.
        if self._guard.load.is_too_much or not data.startswith(_POST):
            return False
        if (post := self._reader.post(data)) is not None:
            making = self._license(*post)
            if making is not None:
                self._begin(post[0], making)
            return making is not None
        return False

    def _send(self, asked: PlainHead, prepared: Prepared, began: float) -> None:
        """Write a response, and have it noted."""
        size = self._write(prepared.head, prepared.body)
        if size and self._logging_enabled and self.access_logger is not None:
            sent = Sent(prepared.status, size, prepared.problem)
            seconds = self._loop.time() - began
            self.access_logger.log(asked, sent, seconds)  # type: ignore[arg-type] # as far as it looks

    def _write(self, head: bytes, body: bytes) -> int:
        """Complete and write a response, and go on waiting as long as after any other.

        Returns the bytes that were written: 0 where the client has gone.
        """
        transport = self.transport
        if transport is None:
            return 0
        head += CLOCK.line() + self._end
        size = len(head) + len(body)
        if len(body) < ONE_WRITE:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self._heard_at = None
        self._written += size
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._manager is not None:
            self._manager.requests_count += 1
        return size

    def _begin(self, asked: PlainHead, making: Begun | Awaitable[Prepared]) -> None:
        """Send an answer now, or when it is made."""
        began = self._loop.time()
        if not isinstance(making, Begun):
            self._wait(began)
            self._pending = self._loop.create_task(self._finish(asked, making, began))
        elif making.done is None:
            self._send(asked, making.prepared, began)
        else:
            self._wait(began)
            self._pending = making.done
            making.done.add_done_callback(partial(self._done, asked, making.prepared, began))

    def _wait(self, now: float) -> None:
        """A request is all there, and its answer waits for something."""
        self._heard_at = None
        self._is_busy = True
        self._guard.load.running += 1
        self._next_keepalive_close_time = now + self._keepalive_timeout

    def _waited(self) -> None:
        self._pending = None
        self._is_busy = False
        self._guard.load.running -= 1

    def _done(
        self, asked: PlainHead, prepared: Prepared, began: float, done: asyncio.Future[None]
    ) -> None:
        """What an answer waited for is done, or has failed."""
        self._waited()
        if done.cancelled():
            self.force_close()
            return
        error = done.exception()
        if isinstance(error, Exception):
            prepared = problems.prepared(error, asked.method)
        self._send(asked, prepared, began)
        self._go_on()

    async def _finish(self, asked: PlainHead, making: Awaitable[Prepared], began: float) -> None:
        try:
            prepared = await making
        finally:
            self._waited()
        self._send(asked, prepared, began)
        self._go_on()

    def _go_on(self) -> None:
        """Take what came while the answer was made."""
        held, self._held = self._held, b""
        if len(held) > _HELD:
            self._resume_transport_reading()
        if held:
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        """Keep what a client sends before it has its answer; of one that sends much, no more."""
        was_full = len(self._held) > _HELD
        self._held += data
        if len(self._held) > _HELD and not was_full:
            self._pause_transport_reading()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's
        """Let the answer that is being made go out, then end."""
        if self._pending is not None:
            await asyncio.wait([self._pending], timeout=timeout)
        await super().shutdown(timeout)


def _is_whole(data: bytes) -> bool:
    """Whether these bytes are requests without bodies to their last one, for all that one sees."""
    if not data.startswith(_WITHOUT_BODY) or not data.endswith(b"\r\n\r\n"):
        return False
    lower = data.lower()
    return not any(name in lower for name in _BODIES)

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
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from origin.delivery import Reply
from origin.plain_head import HeadReader, PlainHead
from origin.wire import CLOCK, ONE_WRITE, Prepared

MediaShortcut = Callable[[PlainHead], tuple[Reply, bytes] | None]
LicenseShortcut = Callable[[PlainHead, bytes], Awaitable[Prepared] | None]

_GET = b"GET /v1/t/"
_POST = b"POST /"
_WITHOUT_BODY = (b"GET ", b"HEAD ", b"OPTIONS ", b"DELETE ")
_BODIES = (b"content-length", b"transfer-encoding", b"upgrade", b"expect")
_HELD = 64 << 10  # bytes that a client may send before it has its answer


class Connection(RequestHandler):
    """One client's connection."""

    __slots__ = ("_held", "_is_whole", "_license", "_media", "_pending", "_reader")

    def __init__(
        self, server: web.Server, media: MediaShortcut, license_: LicenseShortcut, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._media = media
        self._license = license_
        # Whether what aiohttp's parser was given ended where a request ended. Once it did not,
        # nobody but the parser knows where requests begin.
        self._is_whole = not self._logging_enabled  # every request is to be in the access log
        self._reader = HeadReader(None)
        self._pending: asyncio.Task[None] | None = None  # an answer that is being made
        self._held = b""  # what came meanwhile

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._reader = HeadReader(str(peer[0]) if isinstance(peer, tuple) else None)

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
            # Without a waiter and a request, aiohttp's task has not begun.
            (self._request_count == 0 if waiter is None else not waiter.done())
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
            if ready is not None:
                reply, body = ready
                self._send(reply.head, body)
            return ready is not None
        if data.startswith(_POST) and (post := self._reader.post(data)) is not None:
            making = self._license(*post)
            if making is not None:
                self._pending = self._loop.create_task(self._finish(making))
            return making is not None
        return False

    def _send(self, head: bytes, body: bytes) -> None:
        """Write a response, and go on waiting as long as after any other."""
        transport = self.transport
        if transport is None:  # the client has gone
            return
        head += CLOCK.line() + b"\r\n"
        if len(body) < ONE_WRITE:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._manager is not None:
            self._manager.requests_count += 1

    async def _finish(self, making: Awaitable[Prepared]) -> None:
        """Send an answer when it is made, then take what came meanwhile."""
        try:
            prepared = await making
            self._send(prepared.head, prepared.body)
        finally:
            self._pending = None
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

"""Connections that are bounded: in number, and in how long a client may take for its part.

aiohttp waits for ever for a request's head that comes a byte at a time, and for a client that does
not read. Here one look a second, at all connections, ends both (RFC 9110, 15.5.9: 408).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from aiohttp import StreamReader, hdrs, web

from origin.load import REFUSAL_BODY, REFUSAL_HEAD, Load
from origin.wire import WireResponse

_LOOK_S = 1.0
_LINGER_S = 1.0
_SLOW_S = 5.0  # when too much is unsent, who has not taken a byte for so long goes first
_REFUSAL = REFUSAL_HEAD + b"Connection: close\r\n\r\n" + REFUSAL_BODY
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class GuardedConnection(web.RequestHandler):
    """One client's connection."""

    __slots__ = (
        "_body",
        "_client",
        "_fed_at",
        "_guard",
        "_heard_at",
        "_is_busy",
        "_stalled_at",
        "_unsent",
    )

    def __init__(self, server: web.Server, guard: Guard, **options: Any) -> None:
        super().__init__(server, **options)
        self._guard = guard
        self._client: asyncio.Transport | None = None
        self._is_busy = False  # a handler runs
        self._body: StreamReader | None = None  # what it is sent, if that is not all there
        self._fed_at = 0.0  # when a part of that came
        self._heard_at: float | None = None  # since when the head of a request is awaited
        self._unsent = 0  # bytes, at the last look
        self._stalled_at = 0.0  # since when these are the same

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many."""
        client = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        if not self._guard.admit(self):
            self._refuse(client)
            return
        self._client = client
        self._heard_at = self._guard.now
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._guard.forget(self)
        self._client = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Leave it to aiohttp, and note when a request began."""
        if self._heard_at is None and not self._is_busy:
            self._heard_at = self._guard.now
        self._fed_at = self._guard.now
        super().data_received(data)

    def begin(self, body: StreamReader) -> None:
        """The head of a request is there, and it is being answered."""
        self._heard_at = None
        self._is_busy = True
        self._body = None if body.is_eof() else body

    def end(self) -> None:
        """The answer is ready to be sent."""
        self._is_busy = False
        self._body = None

    def look(self, now: float) -> int:
        """Cut off a client that is too slow; how many bytes it has yet to take."""
        client = self._client
        if client is None or client.is_closing():
            return 0
        unsent = client.get_write_buffer_size()
        limits = self._guard.load.limits
        if unsent == 0:
            self._unsent = 0
            if self._heard_at is not None and now - self._heard_at > limits.header_s:
                self._guard.load.cut += 1
                client.write(_TIMED_OUT)
                self.force_close()
            elif self._body is not None and now - self._fed_at > limits.body_s:
                return 0 if self._body.is_eof() else self.cut()
            return 0
        if self._heard_at is not None:  # it asks for more before it has taken what it asked for
            self._heard_at = now
        if unsent != self._unsent:
            self._unsent, self._stalled_at = unsent, now
        elif now - self._stalled_at > limits.send_s:
            return self.cut()
        return unsent

    def is_stalled(self, now: float) -> bool:
        """Whether it has not taken a byte for some time."""
        return self._unsent > 0 and now - self._stalled_at > _SLOW_S

    def cut(self) -> int:
        """End it at once, with what it has not taken. Always 0: what is left."""
        if self._client is not None:
            self._guard.load.cut += 1
            self._client.abort()
        return 0

    def _refuse(self, transport: asyncio.Transport) -> None:
        """503, with a moment to read it where there are not too many who should."""
        self.force_close()  # what it sends is not looked at
        load = self._guard.load
        load.refuse()
        if not load.may_linger:
            transport.abort()
            return
        transport.write(_REFUSAL)
        if transport.can_write_eof():
            transport.write_eof()  # a close with unread data would be a reset, and eat the 503
        load.lingering += 1

        def close() -> None:
            load.lingering -= 1
            transport.abort()

        self._loop.call_later(_LINGER_S, close)


class Guard:
    """All connections of one worker."""

    def __init__(self, load: Load, loop: asyncio.AbstractEventLoop) -> None:
        self.load = load
        self.now = loop.time()  # at the last look: near enough for what is counted in seconds
        self._loop = loop
        self._open: set[GuardedConnection] = set()
        self._next = loop.call_later(_LOOK_S, self._look)

    def admit(self, connection: GuardedConnection) -> bool:
        """Whether there is room for one more, which then counts."""
        if len(self._open) >= self.load.limits.connections:
            return False
        self._open.add(connection)
        self.load.connections = len(self._open)
        return True

    def forget(self, connection: GuardedConnection) -> None:
        """It has ended."""
        self._open.discard(connection)
        self.load.connections = len(self._open)

    async def answer(
        self, request: web.BaseRequest, handling: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """Let a request be answered, and count it meanwhile."""
        connection, load = request.protocol, self.load
        assert isinstance(connection, GuardedConnection)  # noqa: S101 - nothing else is made
        connection.begin(request.content)
        load.running += 1
        try:
            response = await handling
        finally:
            load.running -= 1
            connection.end()
        if load.is_draining:
            response.force_close()
        return response

    async def refuse(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is too much."""
        connection = request.protocol
        assert isinstance(connection, GuardedConnection)  # noqa: S101 - nothing else is made
        connection.begin(request.content)
        connection.end()
        self.load.refuse()
        body = b"" if request.method == hdrs.METH_HEAD else REFUSAL_BODY
        response = WireResponse(503, REFUSAL_HEAD, body)
        if self.load.is_draining:
            response.force_close()
        return response

    async def stop(self, _app: web.Application) -> None:
        """Look no more."""
        self._next.cancel()

    def _look(self) -> None:
        self.now = now = self._loop.time()
        unsent = sum(connection.look(now) for connection in tuple(self._open))
        most = self.load.limits.unsent_bytes
        if unsent > most:
            stalled = [one for one in self._open if one.is_stalled(now)]
            for connection in stalled:
                connection.cut()
            unsent = sum(one.look(now) for one in tuple(self._open))
        self.load.note_unsent(unsent)
        self._next = self._loop.call_later(_LOOK_S, self._look)

"""Connections that are bounded: in number, and in how long a client may take for its part.

aiohttp waits for ever for a request's head that comes a byte at a time, and for a client that does
not read. Here one look a second, at all connections, ends both (RFC 9110, 15.5.9: 408). A 408 is
only written where no answer is under way: its bytes would be taken for that answer's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from aiohttp import StreamReader, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from origin import problems
from origin.load import REFUSAL_BODY, REFUSAL_HEAD, Load
from origin.taking import Taking
from origin.wire import BrokenBody, StreamedResponse, WireResponse

_LOOK_S = 1.0
_LINGER_S = 1.0
# Bytes/s that a player takes at least: when too much is unsent, those who take less go first.
_PLAYED = 8 << 10
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
        "_taking",
        "_writer",
        "_written",
        "unsent",
    )

    def __init__(self, server: web.Server, guard: Guard, **options: Any) -> None:
        super().__init__(server, **options)
        self._guard = guard
        self._client: asyncio.Transport | None = None
        self._is_busy = False  # an answer is being made or written
        self._body: StreamReader | None = None  # what it is sent, if that is not all there
        self._fed_at = 0.0  # when a part of that came
        self._heard_at: float | None = None  # since when the head of a request is awaited
        self._writer: AbstractStreamWriter | None = None  # of that answer
        self._written = 0  # bytes, of the answers before it
        self._taking: Taking | None = None  # of what it was sent, where some is left
        self.unsent = 0  # bytes, at the last look

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

    def begin(self, request: web.BaseRequest) -> None:
        """The head of a request is there, and it is being answered."""
        self._heard_at = None
        self._is_busy = True
        self._body = None if request.content.is_eof() else request.content
        self._writer = request.writer

    def ready(self) -> None:
        """The answer is ready to be sent: nobody waits for the rest of what was asked."""
        self._body = None

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Let aiohttp write the answer; until it is written the connection is busy."""
        try:
            return await super().finish_response(request, resp, start_time)
        except BrokenBody as broken:
            if isinstance(resp, WireResponse):
                resp.problem = problems.problem_of(broken.error).reason
            self.log_access(request, resp, start_time)
            if self._client is not None:
                self._client.abort()
            return resp, True  # as for a client that has gone
        finally:
            self._heard_at = None
            self._is_busy = False
            self._written, self._writer = self._sent(), None

    def _sent(self) -> int:
        """Bytes that were given to this connection to be sent, since it began."""
        writer = self._writer
        return self._written if writer is None else self._written + writer.output_size

    def look(self, now: float) -> int:
        """Cut off a client that is too slow; how many bytes it has yet to take."""
        client = self._client
        if client is None or client.is_closing():
            return 0
        self.unsent = unsent = client.get_write_buffer_size()
        if unsent == 0:
            self._taking = None
            self._hurry(client, now)
            return 0
        if self._heard_at is not None:  # it asks for more before it has taken what it asked for
            self._heard_at = now
        taken = self._sent() - unsent
        if self._taking is None:
            self._taking = Taking(now, taken)
        elif not self._taking.goes_on(now, taken, self._guard.load.limits.send_s):
            return self.cut()
        return unsent

    def _hurry(self, client: asyncio.Transport, now: float) -> None:
        """End a connection whose request does not come."""
        limits = self._guard.load.limits
        if self._body is not None:
            if now - self._fed_at > limits.body_s and not self._body.is_eof():
                self.cut()
        elif self._heard_at is not None and now - self._heard_at > limits.header_s:
            self._guard.load.cut += 1
            client.write(_TIMED_OUT)
            self.force_close()

    @property
    def pace(self) -> float | None:
        """Bytes that it lately took in a second; None where all is taken, or that is not known."""
        return None if self._taking is None else self._taking.pace

    def cut(self) -> int:
        """End it at once, with what it has not taken. Always 0: what is left."""
        self._taking = None
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
        connection.begin(request)
        load.running += 1
        try:
            response = await handling
        finally:
            load.running -= 1
            connection.ready()
        if isinstance(response, StreamedResponse):
            response.waits = load
        if load.is_draining:
            response.force_close()
        return response

    async def refuse(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request that is too much."""
        connection = request.protocol
        assert isinstance(connection, GuardedConnection)  # noqa: S101 - nothing else is made
        connection.begin(request)
        connection.ready()
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
            unsent -= self._make_room(unsent - most)
        self.load.note_unsent(unsent)
        self._next = self._loop.call_later(_LOOK_S, self._look)

    def _make_room(self, excess: int) -> int:
        """Cut off those who take the least, and less than a player; how many bytes that freed."""
        slow = [(one.pace, one) for one in self._open if one.pace is not None]
        freed = 0
        for pace, connection in sorted(slow, key=lambda known: known[0]):
            if freed >= excess or pace >= _PLAYED:
                break
            freed += connection.unsent
            connection.cut()
        return freed

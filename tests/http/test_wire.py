"""Prepared responses on the wire: what aiohttp's server makes of them, byte by byte.

These tests are what tells that a new aiohttp still calls what `origin.wire` builds on.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from origin.wire import WireResponse, head
from tests.http.conftest import Origin
from tests.support import house as houses


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes


class Connection:
    """A client that sends bytes as they are and reads one answer at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, origin: Origin) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", origin.port))

    async def send(self, data: str) -> None:
        self._writer.write(data.encode())
        await self._writer.drain()

    async def answer(self, *, has_body: bool = True) -> Answer:
        block = (await self._reader.readuntil(b"\r\n\r\n")).decode("ascii")
        status_line, *lines = block.removesuffix("\r\n\r\n").split("\r\n")
        fields = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert re.fullmatch(r"[A-Za-z0-9-]+", name)
            assert name.lower() not in fields
            fields[name.lower()] = value
        length = int(fields.get("content-length", "0")) if has_body else 0
        body = await self._reader.readexactly(length)
        return Answer(int(status_line.split()[1]), fields, body)

    async def is_closed(self) -> bool:
        async with asyncio.timeout(5):
            return await self._reader.read() == b""

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def path(origin: Origin, rest: str = "aac-64k/1.m4s") -> str:
    return origin.media(rest).removeprefix(origin.url)


async def test_a_connection_is_kept_and_every_answer_is_whole(origin: Origin) -> None:
    connection = await Connection.open(origin)
    span = origin.house.package.renditions[0].segments[0].span
    for _ in range(5):
        await connection.send(f"GET {path(origin)} HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await connection.answer()
        assert answer.status == 200
        assert answer.body == origin.stored("aac-64k")[span.start : span.end]
        assert "connection" not in answer.fields
        assert "transfer-encoding" not in answer.fields
        sent = parsedate_to_datetime(answer.fields["date"])
        assert abs((datetime.now(UTC) - sent).total_seconds()) < 3
    await connection.close()


async def test_pipelined_requests_are_answered_in_order(origin: Origin) -> None:
    connection = await Connection.open(origin)
    rests = ["flac/1.m4s", "aac-64k/init.mp4", "flac.mp4", "standard/hls/multivariant.m3u8"] * 3
    wanted = [
        (await (await origin.client.get(origin.media(rest))).read(), rest) for rest in rests[:4]
    ] * 3
    requests = [f"GET {path(origin, rest)} HTTP/1.1\r\nHost: x\r\n\r\n" for rest in rests]
    sending = asyncio.create_task(connection.send("".join(requests)))
    for body, rest in wanted:
        answer = await connection.answer()
        assert (answer.status, answer.body == body, rest) == (200, True, rest)
    await sending
    await connection.close()


async def test_head_and_304_have_no_body_on_the_wire(origin: Origin) -> None:
    connection = await Connection.open(origin)
    target = path(origin)
    await connection.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await connection.answer(has_body=False)
    span = origin.house.package.renditions[0].segments[0].span
    assert (answer.status, int(answer.fields["content-length"])) == (200, span.size)
    etag = answer.fields["etag"]
    await connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}\r\n\r\n")
    answer = await connection.answer()
    assert (answer.status, answer.body) == (304, b"")
    assert "content-length" not in answer.fields
    await connection.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len((await connection.answer()).body) == span.size
    await connection.close()


async def test_a_client_that_wants_to_close_is_closed(origin: Origin) -> None:
    connection = await Connection.open(origin)
    request = f"GET {path(origin)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    await connection.send(request)
    answer = await connection.answer()
    assert answer.fields["connection"] == "close"
    assert await connection.is_closed()
    await connection.close()


async def test_http_1_0_is_understood(origin: Origin) -> None:
    connection = await Connection.open(origin)
    await connection.send(f"GET {path(origin)} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert (await connection.answer()).fields["connection"] == "keep-alive"
    await connection.send(f"GET {path(origin)} HTTP/1.0\r\n\r\n")
    answer = await connection.answer()
    assert answer.fields["connection"] == "close"
    assert await connection.is_closed()
    await connection.close()


async def test_the_absolute_form_of_a_target_is_understood(origin: Origin) -> None:
    connection = await Connection.open(origin)
    await connection.send(f"GET http://x{path(origin)} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await connection.answer()).status == 200
    await connection.close()


async def test_a_body_where_none_belongs_does_not_become_a_request(origin: Origin) -> None:
    connection = await Connection.open(origin)
    smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    await connection.send(
        f"GET {path(origin)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n"
        f"{smuggled}GET {path(origin, 'flac/1.m4s')} HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert (await connection.answer()).status == 200
    answer = await connection.answer()
    span = origin.house.package.renditions[-1].segments[0].span
    assert len(answer.body) == span.size
    await connection.close()


@pytest.mark.parametrize(
    "fields",
    [
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "X: a\r\n b\r\n",
        "X : a\r\n",
    ],
)
async def test_ambiguous_requests_are_refused(origin: Origin, fields: str) -> None:
    connection = await Connection.open(origin)
    await connection.send(f"GET {path(origin)} HTTP/1.1\r\nHost: x\r\n{fields}\r\n0\r\n\r\n")
    answer = await connection.answer()
    assert answer.status == 400
    await connection.close()


async def test_a_slow_reader_holds_little_memory(origin: Origin) -> None:
    """A client that asks for much and reads nothing stops the sending, not the server."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, ("127.0.0.1", origin.port))
    request = f"GET {path(origin, 'flac.mp4')} HTTP/1.1\r\nHost: x\r\n\r\n" * 30
    await loop.sock_sendall(raw, request.encode())
    await asyncio.sleep(0.5)
    (handler,) = origin.runner.server.connections if origin.runner.server else []
    assert handler.transport is not None
    largest = max(one.size for one in origin.house.package.renditions)
    assert handler.transport.get_write_buffer_size() <= largest
    async with origin.client.get(origin.media("aac-64k/1.m4s")) as response:
        assert response.status == 200
    raw.close()


async def test_the_access_log_counts_and_hides_the_token(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    url = origin.media("aac-64k/1.m4s")
    token = url.split("/")[5]
    with caplog.at_level(logging.INFO, "headwater.access"):
        for _ in range(2):
            async with origin.client.get(f"{url}?CMCD=br%3D64") as response:
                size = len(await response.read())
        async with origin.client.post(f"{origin.url}/license/clearkey?token={token}") as response:
            assert response.status == 400
        async with origin.client.get(f"{url}x") as response:
            assert response.status == 404
    lines = [record.getMessage() for record in caplog.records if record.name == "headwater.access"]
    assert token not in caplog.text
    assert len(lines) == 4
    expected = f"/v1/t/-/tracks/{houses.TRACK}/{houses.REVISION}/aac-64k/1.m4s"
    match = re.fullmatch(r'127\.0\.0\.1 "GET (\S+)" 200 (\d+) [\d.]+', lines[1])
    assert match is not None
    assert match[1] == expected
    assert int(match[2]) > size
    assert "POST /license/clearkey" in lines[2]


def test_a_header_value_cannot_start_another_header() -> None:
    for value in ("a\r\nX: y", "a\nb", "a\0", "\u00e9"):
        with pytest.raises(ValueError, match="X-Test"):
            head(200, {"X-Test": value})


async def test_nothing_is_written_before_it_is_prepared() -> None:
    with pytest.raises(RuntimeError, match="before prepare"):
        await WireResponse(200, head(200, {})).write_eof()

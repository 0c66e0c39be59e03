"""Heads that are read without a parser: what is plain, and that nothing else is taken for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from hypothesis import given
from hypothesis import strategies as st

from origin.plain_head import HeadReader

_LINE = b"GET /v1/t/2.a.b~c_/tracks/x/1.m4s?CMCD=br%3D64 HTTP/1.1\r\n"
_HOST = b"Host: x\r\n"


def test_a_browsers_head_is_plain() -> None:
    fields = (
        b"Host: music.example.com\r\nConnection: keep-alive\r\nUser-Agent: A/1 (x; y)\r\n"
        b"Accept: */*\r\nRange: bytes=0-99\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n"
    )
    for _ in range(2):  # the second time the fields are known
        head = (reader := HeadReader("9.9.9.9")).media(_LINE + fields + b"\r\n")
        assert head is not None
        assert (head.token, head.path, head.range) == ("2.a.b~c_", "tracks/x/1.m4s", "bytes=0-99")
        assert head.raw_path == "/v1/t/2.a.b~c_/tracks/x/1.m4s?CMCD=br%3D64"
        assert head.remote == "9.9.9.9"
        assert head.headers["x-forwarded-for"] == "1.2.3.4, 5.6.7.8"
        assert head.headers["RANGE"] == "bytes=0-99"
        assert len(head.headers) == 6
        assert reader.media(_LINE + _HOST + b"\r\n") is not None


@pytest.mark.parametrize(
    "fields",
    [
        b"",
        b"Host: x\r\nHost: y\r\n",
        b"Host: x\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\n",
        b"Host: x\r\nRange: bytes=0-1\r\nrange: bytes=2-3\r\n",
        b"Host: x\r\nRANGE: bytes=0-1\r\n",
        b"Host: x\r\nRange: items=0-1\r\n",
        b'Host: x\r\nIf-None-Match: "a"\r\n',
        b'Host: x\r\niF-mAtCh: "a"\r\n',
        b'Host: x\r\nIf-Range: "a"\r\n',
        b"Host: x\r\nConnection: close\r\n",
        b"Host: x\r\nConnection: keep-alive, upgrade\r\n",
        b"Host: x\r\nUpgrade: websocket\r\n",
        b"Host: x\r\nContent-Length: 0\r\n",
        b"Host: x\r\nTransfer-Encoding: chunked\r\n",
        b"Host: x\r\nExpect: 100-continue\r\n",
        b"Host: x\r\n folded\r\n",
        b"Host : x\r\n",
        b"Host: x\nA: b\r\n",
        b"Host: x\r\nA: b\rc\r\n",
        b"Host: x\r\nA: \xe9\r\n",
        b"Host: x\r\nA: b\0c\r\n",
        b"Host: x\r\nno colon\r\n",
        b"Host: x\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(70)),
        b"Host: x\r\nA: " + b"b" * 8000 + b"\r\n",
    ],
)
def test_anything_else_is_left_to_the_parser(fields: bytes) -> None:
    reader = HeadReader(None)
    assert reader.media(_LINE + _HOST + b"\r\n") is not None
    assert reader.media(_LINE + fields + b"\r\n") is None
    assert reader.media(_LINE + _HOST + b"\r\n") is not None


@pytest.mark.parametrize(
    "data",
    [
        b"GET /v1/t/a/b HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET  /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"HEAD /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/t/a/b#c HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/t/a%20/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/t/a/b HTTP/1.1\r\nHost: x\r\n",
        b"GET /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\nG",
        b"GET /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\nGET /v1/t/a/b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ],
)
def test_other_requests_are_left_to_the_parser(data: bytes) -> None:
    assert HeadReader(None).media(data) is None


def _post(fields: bytes, body: bytes) -> bytes:
    return b"POST /license/clearkey?token=2.a HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n" + body


def test_a_whole_post_is_plain() -> None:
    found = HeadReader(None).post(_post(b"content-length: 3\r\nContent-Type: text/a\r\n", b"abc"))
    assert found is not None
    head, body = found
    assert (head.method, head.path, head.bearer, body) == (
        "POST",
        "/license/clearkey",
        "2.a",
        b"abc",
    )
    found = HeadReader(None).post(_post(b"Content-Length: 0\r\nAuthorization: Bearer 2.b\r\n", b""))
    assert found is not None
    assert found[0].bearer == "2.b"


def test_another_token_on_the_same_connection_is_read() -> None:
    reader = HeadReader(None)
    for token in (b"2.b", b"2.c"):
        fields = b"Content-Length: 0\r\nAuthorization: Bearer " + token + b"\r\n"
        found = reader.post(_post(fields, b""))
        assert found is not None
        assert found[0].bearer == token.decode()
    twice = b"Authorization: Bearer 2.d\r\nAuthorization: Bearer 2.e\r\n"
    assert reader.post(_post(b"Content-Length: 0\r\n" + twice, b"")) is None


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"Content-Length: 3\r\n", b"ab"),
        (b"Content-Length: 3\r\n", b"abcd"),
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
        (b"Content-Length: 3\r\ncontent-length: 4\r\n", b"abc"),
        (b"Content-Length: +3\r\n", b"abc"),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"abc"),
        (b"Content-Length: 3\r\nContent-Encoding: gzip\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (b"Content-Length: 3\r\nExpect: 100-continue\r\n", b"abc"),
        (b"Content-Length: 3\r\nConnection: close\r\n", b"abc"),
        (b"Content-Length: 0\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n", b""),
        (b"Content-Length: 0\r\nAuthorization: Bearer a\r\nauthorization: Basic b\r\n", b""),
        (b"Content-Length: 0\r\nAuthorization: Basic b\r\n", b""),
        (b"", b""),
    ],
)
def test_a_post_that_is_framed_otherwise_is_left_to_the_parser(fields: bytes, body: bytes) -> None:
    assert HeadReader(None).post(_post(fields, body)) is None


_PIECES = st.sampled_from(
    [
        b"Host: x\r\n",
        b"Range: bytes=0-9\r\n",
        b"range: bytes=-5\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: close\r\n",
        b"User-Agent: a\r\n",
        b"X-A:\r\n",
        b"X-B: \t b \t\r\n",
        b"\r\n",
        b"\n",
        b" ",
        b":",
        b"\r",
        b"If-Match: *\r\n",
        b"hello",
        b"GET /v1/t/a/b HTTP/1.1\r\n",
    ]
)


@given(st.lists(_PIECES, max_size=8).map(b"".join))
def test_what_is_plain_the_parser_reads_alike(fields: bytes) -> None:
    """Whatever is put together: a plain head is one whole message of the parser's, and the same."""
    data = b"GET /v1/t/a/b HTTP/1.1\r\n" + fields + b"\r\n"
    head = HeadReader(None).media(data)
    if head is None:
        return
    loop = asyncio.new_event_loop()
    try:
        messages, upgraded, tail = _parser(loop).feed_data(data)
    finally:
        loop.close()
    ((message, payload),) = messages
    assert isinstance(message, RawRequestMessage)
    assert (upgraded, tail, payload.is_eof(), message.should_close) == (False, b"", True, False)
    assert (message.method, message.path) == ("GET", head.raw_path)
    assert _fields(message.headers) == _fields(head.headers)
    assert message.headers.get("Range") == head.range


def _fields(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers.items())


def _parser(loop: asyncio.AbstractEventLoop) -> HttpRequestParser:
    return HttpRequestParser(BaseProtocol(loop), loop, 1 << 16)

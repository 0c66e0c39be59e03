"""Requests that are answered before aiohttp's parser: the same answers, in order, none lost.

These tests are what tells that a new aiohttp still is as `origin.connection` takes it to be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest

from origin.connection import Connection as ServerSide
from tests.http.conftest import Origin
from tests.http.test_license import body as license_body
from tests.http.test_wire import Connection, path
from tests.support import house as houses


@pytest.fixture
async def connection(origin: Origin) -> AsyncIterator[Connection]:
    opened = await Connection.open(origin)
    yield opened
    await opened.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which is looked at in each turn of the loop."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what it is about tells nobody
            await asyncio.sleep(0)


def answered(origin: Origin) -> int:
    """How many requests aiohttp's parser has seen, over all connections that are open."""
    server = origin.runner.server
    assert server is not None
    return sum(one._request_count for one in server.connections)


def get(target: str, fields: str = "") -> str:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"


def license_request(origin: Origin, tier: str = "standard") -> str:
    body = license_body(origin, tier).decode()
    token = houses.playback_token(origin.deps, "standard")
    fields = f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
    return f"POST /license/clearkey HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}"


async def test_what_is_known_does_not_reach_aiohttp(origin: Origin, connection: Connection) -> None:
    wanted = get(path(origin))
    await connection.send(wanted)
    first = await connection.answer()
    for _ in range(3):
        await connection.send(wanted)
        answer = await connection.answer()
        assert (answer.status, answer.body) == (200, first.body)
        changing = {"date": "", "server-timing": ""}
        assert answer.fields | changing == first.fields | changing
    assert answered(origin) == 1


async def test_one_request_is_one_use(origin: Origin, connection: Connection) -> None:
    cache = origin.state.pieces.cache
    for hits, misses in ((0, 1), (1, 1), (2, 1)):
        await connection.send(get(path(origin)))
        await connection.answer()
        assert (cache.hits, cache.misses) == (hits, misses)
    (entry,) = cache._entries.values()
    assert entry.uses == 2


async def test_ranges_and_manifests_are_known_too(origin: Origin, connection: Connection) -> None:
    span = origin.house.package.renditions[0].segments[0].span
    for target, fields, status in (
        (path(origin, "aac-64k.mp4"), f"Range: bytes={span.start}-{span.end - 1}\r\n", 206),
        (path(origin, "standard/hls/aac-64k.m3u8"), "", 200),
        (path(origin, "aac-64k/init.mp4"), "", 200),
    ):
        before = answered(origin)
        for _ in range(3):
            await connection.send(get(target, fields))
            answer = await connection.answer()
            assert answer.status == status
        assert answered(origin) == before + 1


async def test_a_precondition_is_weighed(origin: Origin, connection: Connection) -> None:
    await connection.send(get(path(origin)))
    etag = (await connection.answer()).fields["etag"]
    await connection.send(get(path(origin), f"If-None-Match: {etag}\r\n"))
    assert (await connection.answer()).status == 304
    await connection.send(get(path(origin)))
    assert (await connection.answer()).status == 200


async def test_pipelined_requests_stay_in_order(origin: Origin, connection: Connection) -> None:
    known, other = path(origin), path(origin, "flac.mp4")
    await connection.send(get(known))
    small = (await connection.answer()).body
    large = origin.stored("flac")
    for _ in range(3):
        await connection.send(get(other))  # streamed, for a while
        await connection.send(get(known))  # known, but not its turn
        assert (await connection.answer()).body == large
        assert (await connection.answer()).body == small
    await connection.send(get(known) * 5)
    for _ in range(5):
        assert (await connection.answer()).body == small


async def test_a_head_in_two_pieces_is_one_request(origin: Origin, connection: Connection) -> None:
    wanted = get(path(origin))
    await connection.send(wanted)
    body = (await connection.answer()).body
    for cut in (1, 30, len(wanted) - 2):
        await connection.send(wanted[:cut])
        await asyncio.sleep(0.02)
        await connection.send(wanted[cut:])
        assert (await connection.answer()).body == body
    # What looks like a request of its own is the rest of another's head.
    await connection.send("GET /healthz HTTP/1.1\r\nX-Rest: ")
    await asyncio.sleep(0.02)
    await connection.send(wanted)
    assert "json" in (await connection.answer()).fields["content-type"]


async def test_a_body_in_two_pieces_does_not_become_a_request(
    origin: Origin, connection: Connection
) -> None:
    wanted = get(path(origin))
    await connection.send(wanted)
    body = (await connection.answer()).body
    smuggled = get("/healthz")
    await connection.send(get(path(origin), f"Content-Length: {len(smuggled)}\r\n"))
    await asyncio.sleep(0.02)
    await connection.send(smuggled)
    assert (await connection.answer()).body == body
    await connection.send(wanted)
    assert (await connection.answer()).body == body


async def test_licenses_do_not_reach_aiohttp(origin: Origin, connection: Connection) -> None:
    key = origin.house.keys["standard"]
    for _ in range(3):
        await connection.send(license_request(origin))
        answer = await connection.answer()
        assert answer.status == 200
        (jwk,) = json.loads(answer.body)["keys"]
        assert len(jwk["k"]) == 22
        assert key.key.hex() not in answer.body.decode()
        assert answer.fields["cache-control"] == "no-store"
    await connection.send(license_request(origin, "premium"))
    refused = await connection.answer()
    assert (refused.status, json.loads(refused.body)["reason"]) == (403, "not-entitled")
    assert answered(origin) == 0


async def test_what_comes_before_the_license_waits(origin: Origin, connection: Connection) -> None:
    await connection.send(get(path(origin)))
    media = (await connection.answer()).body
    for _ in range(3):
        await connection.send(license_request(origin))
        await connection.send(get(path(origin)))
        assert "keys" in json.loads((await connection.answer()).body)
        assert (await connection.answer()).body == media


async def test_a_license_request_in_two_pieces_is_one(
    origin: Origin, connection: Connection
) -> None:
    whole = license_request(origin)
    await connection.send(whole[:-5])
    await asyncio.sleep(0.02)
    await connection.send(whole[-5:])
    assert (await connection.answer()).status == 200
    await connection.send(whole)
    assert (await connection.answer()).status == 200


async def test_an_idle_connection_is_closed_in_time(origin: Origin, connection: Connection) -> None:
    for _ in range(2):
        await connection.send(get(path(origin)))
        await connection.answer()
    assert origin.runner.server is not None
    (handler,) = origin.runner.server.connections
    assert isinstance(handler, ServerSide)
    now = asyncio.get_running_loop().time()
    assert handler._next_keepalive_close_time > now + handler.keepalive_timeout - 1
    handler._next_keepalive_close_time = now
    handler._process_keepalive()
    assert await connection.is_closed()


async def test_a_license_that_is_being_made_is_sent_before_the_end(origin: Origin) -> None:
    connection = await Connection.open(origin)
    await connection.send(license_request(origin))
    server = origin.runner.server
    assert server is not None
    await until(
        lambda: any(
            isinstance(one, ServerSide) and one._pending is not None for one in server.connections
        )
    )
    await origin.runner.cleanup()
    assert (await connection.answer()).status == 200
    assert await connection.is_closed()
    await connection.close()


async def test_an_expired_token_is_refused_where_it_was_known(
    origin: Origin, connection: Connection
) -> None:
    target = origin.media("aac-64k/1.m4s", ttl_s=2).removeprefix(origin.url)
    statuses = set()
    async with asyncio.timeout(10):
        while 401 not in statuses:
            await connection.send(get(target))
            statuses.add((await connection.answer()).status)
            await asyncio.sleep(0.05)
    assert statuses == {200, 401}

"""Slow clients are cut off, what is too much is refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import aiohttp
import pytest

from catalog.records import WrappedKeyRecord
from configs.settings import OriginSettings
from drm.model import ContentKey
from origin.connection import Connection as ServerSide
from origin.load import LOAD, Limits
from origin.taking import LEAST, Taking
from storage.base import StorageError
from tests.http.conftest import Origin
from tests.http.test_connection import license_request, until
from tests.http.test_wire import Connection
from tests.support import house as houses


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(
        port=0,
        shutdown_grace_s=1.0,
        header_timeout_s=1.0,
        body_timeout_s=1.0,
        send_timeout_s=1.0,
        max_connections=40,
        max_requests=3,
    )


async def _said(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read(-1)
    return b"(reset)"


async def _slow(origin: Origin, *parts: bytes) -> tuple[bytes, float]:
    """What a client hears that sends these half a second apart and then waits; for how long."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.5)
        return await asyncio.wait_for(_said(reader), 10), time.monotonic() - began
    finally:
        writer.close()


LICENSE = b"POST /license/clearkey HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"


async def test_who_is_slow_to_ask_is_cut_off(origin: Origin) -> None:
    token = houses.playback_token(origin.deps).encode()
    slow = [
        (),
        (b"GET /healthz HTTP/1.1\r\n",),
        (b"GET /healthz HTTP/1.1\r\n", b"Host: x\r\n", b"A: 1\r\n", b"B: 1\r\n", b"C: 1\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /healthz HTTP/1.1\r\n"),
        (LICENSE + b"Authorization: Bearer " + token + b"\r\n\r\n", b'{"kids"'),
    ]
    answers = await asyncio.gather(*(_slow(origin, *parts) for parts in slow))
    told = [said.split(b"\r\n")[0] for said, _ in answers]
    assert told[:2] == [b"HTTP/1.1 408 Request Timeout"] * 2
    assert told[2] in {b"HTTP/1.1 408 Request Timeout", b"(reset)"}  # it did not stop talking
    first, _, second = answers[3][0].partition(b'{"status": "ok"}')
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 408")
    assert max(seconds for _, seconds in answers) < 6
    assert origin.runner.app[LOAD].cut == len(slow)
    figures, _ = await origin.state.monitor.scrape("")
    assert f"headwater_cut_off_total {len(slow)}.0" in figures.decode()


async def test_who_does_not_read_is_cut_off(origin: Origin) -> None:
    path = origin.media("flac.mp4").removeprefix(origin.url).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port, limit=1024)
    for _ in range(60):  # more than the system's buffers hold
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    load = origin.runner.app[LOAD]
    await until(lambda: load.cut == 1 and load.connections == 0)
    with suppress(ConnectionError):
        await reader.read(-1)
    writer.close()


async def test_who_asks_in_pipelines_and_reads_is_not(origin: Origin) -> None:
    path = origin.media("aac-64k/1.m4s").removeprefix(origin.url).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    for number in range(6):
        last = b"Connection: close\r\n" if number == 5 else b""
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + last + b"\r\n")
        await asyncio.sleep(0.4)
    assert (await _said(reader)).count(b"HTTP/1.1 200 OK") == 6
    writer.close()


async def test_one_connection_too_many_is_refused(origin: Origin) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(_slow(origin)) for _ in range(40)]
        await asyncio.sleep(0.3)
        said, _ = await _slow(origin, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nRetry-After: 2\r\n" in said
        assert b"\r\nConnection: close\r\n" in said
    assert all(one.result()[0].startswith(b"HTTP/1.1 408") for one in waiting)
    async with origin.client.get(f"{origin.url}/healthz") as response:
        assert response.status == 200


async def test_more_requests_than_can_wait_are_refused(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    store_get: Callable[..., Awaitable[bytes]] = origin.deps.store.get

    async def get(*arguments: object) -> bytes:
        await held.wait()
        return await store_get(*arguments)

    monkeypatch.setattr(origin.deps.store, "get", get)
    url = origin.media("aac-64k/1.m4s")

    async def ask(where: str) -> int:
        async with origin.client.get(where) as response:
            if response.status == 503:
                assert response.headers["Retry-After"] == "2"
                assert response.headers["Cache-Control"] == "no-store"
                assert (await response.json(content_type=None))["reason"] == "overloaded"
            return response.status

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(ask(url)) for _ in range(3)]
        await asyncio.sleep(0.3)
        assert [await ask(url) for _ in range(2)] == [503, 503]
        assert await ask(f"{origin.url}/healthz") == 200
        held.set()
    assert [one.result() for one in waiting] == [200, 200, 200]
    assert await ask(url) == 200


def _served(origin: Origin) -> list[ServerSide]:
    """The server's side of the connections that are open."""
    assert origin.runner.server is not None
    return [one for one in origin.runner.server.connections if isinstance(one, ServerSide)]


async def test_a_license_that_waits_counts_and_is_not_the_clients_fault(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    unwrap = origin.deps.keyring.unwrap

    async def slowly(record: WrappedKeyRecord) -> ContentKey:
        await held.wait()
        return await unwrap(record)

    monkeypatch.setattr(origin.deps.keyring, "unwrap", slowly)
    load, now = origin.runner.app[LOAD], asyncio.get_running_loop().time()
    first = [await Connection.open(origin) for _ in range(3)]
    for one in first:
        await one.send(license_request(origin))
    await until(lambda: load.running == 3)
    for handler in _served(origin):  # opened long ago, by browsers that thought ahead
        assert handler.look(now + 60) == 0
    late = await Connection.open(origin)
    await late.send(license_request(origin))
    assert (await late.answer()).status == 503
    held.set()
    assert [(await one.answer()).status for one in first] == [200] * 3
    await late.send(license_request(origin))
    assert (await late.answer()).status == 200
    assert (load.running, load.cut) == (0, 0)
    for one in (*first, late):
        await one.close()


async def test_nothing_is_written_into_an_answer_that_is_under_way(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, asked = asyncio.Event(), 0
    store_get: Callable[..., Awaitable[bytes]] = origin.deps.store.get

    async def get(*arguments: object) -> bytes:
        nonlocal asked
        asked += 1
        if asked > 3:  # the index, and the first pieces
            await held.wait()
        return await store_get(*arguments)

    monkeypatch.setattr(origin.deps.store, "get", get)
    connection, load = await Connection.open(origin), origin.runner.app[LOAD]
    path = origin.media("flac.mp4").removeprefix(origin.url)
    await connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: asked > 3)
    assert load.running == 1  # it waits for the storage
    await connection.send("GET /healthz HTTP/1.1\r\n")
    await asyncio.sleep(0.05)
    (handler,) = _served(origin)
    handler.look(asyncio.get_running_loop().time() + 60)
    held.set()
    assert (await connection.answer()).body == origin.stored("flac")
    await connection.send("Host: x\r\n\r\n")
    assert (await connection.answer()).status == 200
    assert (load.running, load.cut) == (0, 0)
    await connection.close()


async def test_an_answer_that_breaks_off_is_counted_and_ends_the_connection(
    origin: Origin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_get: Callable[..., Awaitable[bytes]] = origin.deps.store.get
    asked = 0

    async def get(*arguments: object) -> bytes:
        nonlocal asked
        asked += 1
        if asked > 3:
            raise StorageError("the bucket has gone")
        return await store_get(*arguments)

    monkeypatch.setattr(origin.deps.store, "get", get)
    with pytest.raises(aiohttp.ClientError):
        async with origin.client.get(origin.media("flac.mp4")) as response:
            await response.read()
    figures, _ = await origin.state.monitor.scrape("")
    line = 'headwater_problems_total{reason="storage-unavailable",route="track_file"} 1.0'
    assert line in figures.decode()
    assert [one.getMessage() for one in caplog.records] == [
        "storage-unavailable: the bucket has gone"
    ]


async def test_where_room_is_lacking_who_takes_least_goes_first(origin: Origin) -> None:
    path = origin.media("flac.mp4").removeprefix(origin.url)
    now = asyncio.get_running_loop().time()
    stuck = [await asyncio.open_connection("127.0.0.1", origin.port, limit=1024) for _ in range(2)]
    for _, writer in stuck:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 60)
    load = origin.runner.app[LOAD]
    load.limits = replace(load.limits, send_s=60.0)
    await until(lambda: sum(one.look(now) > 0 for one in _served(origin)) == 2)
    guard = _served(origin)[0]._guard
    assert guard._make_room(1) == 0  # nobody knows yet who is slow
    freed = [one.look(now + 6) for one in _served(origin)]
    assert guard._make_room(1) in freed
    assert guard._make_room(1 << 30) in freed
    assert guard._make_room(1) == 0
    await until(lambda: not _served(origin))
    assert load.cut == 2
    for _, writer in stuck:
        writer.close()


def test_a_client_has_to_take_a_least_in_its_time() -> None:
    for each_s, is_enough in ((0, False), (LEAST - 1, False), (LEAST, True), (1 << 20, True)):
        taking = Taking(0.0, 5000)
        looks = [taking.goes_on(float(second), 5000 + second * each_s, 60) for second in range(61)]
        assert all(looks[:60])
        assert looks[60] is is_enough
        assert taking.pace == each_s


def test_what_it_took_before_does_not_help_for_ever() -> None:
    taking = Taking(0.0, 0)
    assert taking.goes_on(60.0, 1 << 30, 60)
    assert taking.goes_on(119.0, 1 << 30, 60)
    assert not taking.goes_on(120.0, 1 << 30, 60)
    assert taking.pace == 0


def test_refused_connections_are_among_the_files_that_the_system_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for most in (1024, 4096, 9000, 65536):
        monkeypatch.setattr("resource.getrlimit", lambda _, most=most: (most, most))
        limits = Limits.of(OriginSettings())
        assert limits.connections + limits.lingering + 256 <= most
        assert limits.connections >= min(8192, most * 0.6)
        assert limits.lingering > 0


async def test_an_idle_connection_that_asked_once_is_left_alone(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    async with origin.client.get(url) as response:
        await response.read()
    connection, load = await Connection.open(origin), origin.runner.app[LOAD]
    for _ in range(2):
        await connection.send(f"GET {url.removeprefix(origin.url)} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await connection.answer()).status == 200
        for handler in _served(origin):
            handler.look(asyncio.get_running_loop().time() + 60)
    assert load.cut == 0
    await connection.close()

"""Slow clients are cut off, what is too much is refused, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from configs.settings import OriginSettings
from origin.load import LOAD
from tests.http.conftest import Origin
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
    await asyncio.sleep(4)
    assert origin.runner.app[LOAD].cut == 1
    assert origin.runner.app[LOAD].connections == 0
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


async def test_an_idle_connection_that_asked_once_is_left_alone(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    async with origin.client.get(url) as response:
        await response.read()
    path = url.removeprefix(origin.url).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    for last in (False, True):
        end = b"Connection: close\r\n" if last else b""
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
        await asyncio.sleep(0.1 if last else 3)
    assert (await _said(reader)).count(b"HTTP/1.1 200 OK") == 2
    writer.close()

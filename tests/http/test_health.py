"""The probes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from configs.settings import OriginSettings
from origin.readiness import Readiness
from storage.base import StorageError
from tests.http.conftest import Origin
from tests.servers.redis import Redis as RedisServer

_FRESH_S = 0.05


async def test_a_working_house_is_ready(origin: Origin) -> None:
    for path in ("healthz", "readyz"):
        async with origin.client.get(f"{origin.url}/{path}") as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            assert (await response.json())["status"] == "ok"


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(port=0, shutdown_grace_s=1.0, outage_grace_s=0.3)


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked a moment ago is believed for a shorter while."""
    monkeypatch.setattr("origin.readiness._FRESH_S", _FRESH_S)


async def test_a_house_without_a_catalog_lives_and_is_ready_for_a_while(origin: Origin) -> None:
    assert await _readiness(origin) == 200
    await asyncio.sleep(_FRESH_S)
    await origin.deps.catalog.close()
    for file in origin.house.root.glob("catalog.db*"):
        file.unlink()
    async with origin.client.get(f"{origin.url}/healthz") as response:
        assert response.status == 200
    for status, word in ((200, "degraded"), (503, "unready")):
        async with origin.client.get(f"{origin.url}/readyz") as response:
            assert response.status == status
            answer = await response.json()
        assert answer == {"status": word, "catalog": "unreachable", "storage": "ok"}
        await asyncio.sleep(0.3)


async def _readiness(origin: Origin) -> int:
    async with origin.client.get(f"{origin.url}/readyz") as response:
        return response.status


async def test_a_house_that_never_had_storage_is_not_ready(origin: Origin) -> None:
    origin.watch.error = StorageError("the disk is away")
    assert await _readiness(origin) == 503
    origin.watch.error = None
    await asyncio.sleep(_FRESH_S)
    assert await _readiness(origin) == 200


async def test_a_house_without_storage_says_so_until_it_is_back(origin: Origin) -> None:
    assert await _readiness(origin) == 200
    await asyncio.sleep(_FRESH_S)
    origin.watch.error = StorageError("the disk is away")
    async with origin.client.get(f"{origin.url}/readyz") as response:
        assert response.status == 200
        assert (await response.json())["storage"] == "unreachable"
    origin.watch.error = None
    await asyncio.sleep(_FRESH_S)
    async with origin.client.get(f"{origin.url}/readyz") as response:
        assert await response.json() == {"status": "ok", "catalog": "ok", "storage": "ok"}


class TestRedis:
    @pytest.fixture
    def terms(self) -> dict[str, Any]:
        return {"redis": Redis.from_url("redis://127.0.0.1:1/0")}  # nobody is there

    async def test_a_house_without_its_redis_says_so_and_is_ready_for_ever(
        self, origin: Origin
    ) -> None:
        origin.state.readiness._grace_s = 0.0
        async with origin.client.get(f"{origin.url}/readyz") as response:
            assert response.status == 200
            answer = await response.json()
        assert answer == {
            "status": "degraded",
            "catalog": "ok",
            "storage": "ok",
            "redis": "unreachable",
        }


@pytest.mark.server
async def test_redis_is_a_part_that_answers(origin: Origin, redis: RedisServer) -> None:
    client = Redis.from_url(redis.url())
    readiness = Readiness(origin.deps.catalog, origin.deps.store, 1.0, client)
    assert await readiness.parts() == {"catalog": True, "storage": True, "redis": True}
    await client.aclose()


async def test_unknown_paths_and_methods(origin: Origin) -> None:
    async with origin.client.get(f"{origin.url}/nothing") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["reason"] == "not-found"
    gone_to = {"Sec-Fetch-Mode": "navigate"}  # by a browser, whose user reads no JSON
    async with origin.client.get(f"{origin.url}/nothing", headers=gone_to) as response:
        assert (response.status, response.content_type) == (404, "text/html")
        assert "<h1>Not Found</h1>" in await response.text()
    async with origin.client.delete(f"{origin.url}/healthz") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]

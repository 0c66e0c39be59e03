"""The probes."""

from __future__ import annotations

from storage.base import StorageError
from tests.http.conftest import Origin


async def test_a_working_house_is_ready(origin: Origin) -> None:
    for path in ("healthz", "readyz"):
        async with origin.client.get(f"{origin.url}/{path}") as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            assert (await response.json())["status"] == "ok"


async def test_a_house_without_a_catalog_lives_but_is_not_ready(origin: Origin) -> None:
    await origin.deps.catalog.close()
    for file in origin.house.root.glob("catalog.db*"):
        file.unlink()
    async with origin.client.get(f"{origin.url}/healthz") as response:
        assert response.status == 200
    async with origin.client.get(f"{origin.url}/readyz") as response:
        assert response.status == 503
        answer = await response.json()
    assert (answer["catalog"], answer["storage"]) == ("unreachable", "ok")


async def test_a_house_without_storage_is_not_ready(origin: Origin) -> None:
    origin.watch.error = StorageError("the disk is away")
    async with origin.client.get(f"{origin.url}/readyz") as response:
        assert response.status == 503
        assert (await response.json())["storage"] == "unreachable"


async def test_unknown_paths_and_methods(origin: Origin) -> None:
    async with origin.client.get(f"{origin.url}/nothing") as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        assert (await response.json(content_type=None))["reason"] == "not-found"
    async with origin.client.delete(f"{origin.url}/healthz") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]

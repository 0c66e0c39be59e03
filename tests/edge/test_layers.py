"""An origin that goes away and comes back, and an edge before an edge."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest

from scripts.edge_servers import Edge, running_nginx, running_varnish
from scripts.servers import free_port
from tests.support import house as houses
from tests.support.house import House
from tests.support.threaded_origin import ANSWER_S, Origin, serving

pytestmark = pytest.mark.server

MANIFEST = "standard/hls/multivariant.m3u8"
_NOTICED_S = 10


async def answered(client: aiohttp.ClientSession, url: str) -> tuple[int, str | None, bytes]:
    async with client.get(url) as response:
        body = await response.read()
        if response.status >= 400:
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        return response.status, response.headers.get("X-Cache-Status"), body


@pytest.mark.parametrize("kind", ["nginx", "varnish"])
async def test_what_is_kept_goes_on_while_the_origin_is_away(
    kind: str, edge_house: House, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    house = houses.copy(edge_house, tmp_path / "house")
    port = free_port()
    with ExitStack() as stack:
        with serving(house, port) as origin:
            start = running_nginx if kind == "nginx" else running_varnish
            edge = stack.enter_context(start(f"127.0.0.1:{port}", tmp_path))
            kept = edge.url + origin.path("aac-64k/1.m4s")
            other = edge.url + origin.path("aac-64k/2.m4s")
            first = await answered(client, kept)
            assert first[0] == 200
        await asyncio.sleep(ANSWER_S + 0.5)  # now the origin would be asked about the token
        assert await answered(client, kept) == (200, "HIT", first[2])  # at once
        status, _, body = await answered(client, other)
        assert (status, json.loads(body)["status"]) == (503, 503)
        with serving(house, port):
            await _until_answered(client, other, 200)
    # Of all that it wrote (errors of requests, too) nothing lets anybody else listen.
    token = kept.split("/")[5].encode()
    assert len(token) > 50
    written = [file for file in tmp_path.rglob("*") if file.is_file() and "work" not in file.parts]
    assert len(written) > 5
    assert [file for file in written if token in file.read_bytes()] == []


async def _until_answered(client: aiohttp.ClientSession, url: str, status: int) -> None:
    deadline = time.monotonic() + _NOTICED_S
    while (await answered(client, url))[0] != status:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


@pytest.fixture
def shield(origin: Origin, tmp_path: Path) -> Iterator[Edge]:
    folder = tmp_path / "shield"
    folder.mkdir()
    with running_nginx(f"127.0.0.1:{origin.port}", folder) as edge:
        yield edge


async def test_a_shield_keeps_media_for_all_edges_and_manifests_for_none(
    shield: Edge, origin: Origin, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with running_nginx(f"127.0.0.1:{shield.port}", folder) as edge:
            for rest, kept in (("flac/1.m4s", True), ("flac.mp4", True), (MANIFEST, False)):
                for status in ("MISS", "HIT"):
                    async with client.get(edge.url + origin.path(rest)) as response:
                        assert response.status == 200
                        # Of a file nginx asks for one slice after the other while it is read on.
                        assert len(await response.read()) == response.content_length
                        assert response.headers["X-Cache-Status"] == status
                        timing = response.headers["Server-Timing"]
                        if status == "MISS":
                            later = "HIT" if kept and number == 2 else "BYPASS"
                            expected = "MISS" if kept and number == 1 else later
                            assert f"edge;desc={expected}" in timing.split(", ", 1)[1]
            denied = edge.url + origin.path("flac/1.m4s", "standard")
            assert (await answered(client, denied))[0] == 403
        if number == 1:
            reads = len(origin.store.reads)
    assert len(origin.store.reads) == reads

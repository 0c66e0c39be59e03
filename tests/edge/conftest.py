"""A real origin behind real edges: one house, one origin and one of each edge for all tests.

What a test wants cold is of the other track, and named by no other test; `test_purges` leaves that
track as it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from scripts.edge_servers import Edge, running_nginx, running_varnish
from tests.support import house as houses
from tests.support.house import House
from tests.support.threaded_origin import Origin, serving


@pytest.fixture(scope="session")
def edge_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.built(tmp_path_factory)


# Of each file its own: what one has warmed, another may want cold.
@pytest.fixture(scope="module")
def origin(edge_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    house = houses.copy(edge_house, tmp_path_factory.mktemp("edge") / "house")
    with serving(house) as running:
        yield running


@pytest.fixture(scope="module")
def nginx(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running_nginx(f"127.0.0.1:{origin.port}", tmp_path_factory.mktemp("nginx")) as edge:
        yield edge


@pytest.fixture(scope="module")
def varnish(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with running_varnish(f"127.0.0.1:{origin.port}", tmp_path_factory.mktemp("varnish")) as edge:
        yield edge


@pytest.fixture(params=["nginx", "varnish"])
def edge(request: pytest.FixtureRequest) -> Edge:
    """Either of the edges: what holds for one holds for the other."""
    running = request.getfixturevalue(request.param)
    assert isinstance(running, Edge)
    return running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """Decodes and follows nothing by itself; as many connections as it is asked for."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(auto_decompress=False, connector=connector) as session:
        yield session

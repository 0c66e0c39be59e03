"""Several workers: what is taken away ends in all of them, what is counted is one sum."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from catalog import rights
from catalog.engine import Catalog, Tx
from catalog.publish import embargo, republish, unpublish
from catalog.records import RightsRecord, WindowRecord
from drm.access_token import AccessTokens
from drm.token_keys import TokenKeys
from tests.support import house as houses
from tests.support.house import House

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
WORKERS = 3
CONNECTIONS = 24
BINDS_WITHIN_S = 5.0
SCRIPT = """
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from configs.settings import OriginSettings
from origin.server import serve
from tests.support import house as houses

house = houses.House(Path(sys.argv[1]), None, {})
settings = OriginSettings(port=0, workers=int(sys.argv[2]), shutdown_grace_s=1)

@asynccontextmanager
async def deps():
    async with houses.open_deps(house, settings) as opened:
        yield replace(opened, streams={"free": 1}, stream_ttl_s=30)

serve(settings, deps)
"""


@dataclass(frozen=True, slots=True)
class Running:
    url: str
    pid: int

    def busy_workers(self) -> int:
        """How many workers have one of our connections."""
        port = int(self.url.rpartition(":")[2])
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        ours = set(_established(port))
        return sum(bool(ours & set(_sockets(int(pid)))) for pid in children)


def _established(port: int) -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].partition(":")[2], 16) == port and fields[3] == "01":
            yield fields[9]


def _sockets(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
                yield match[1]


@pytest.fixture
def running(house: House) -> Iterator[Running]:
    command = [sys.executable, "-c", SCRIPT, str(house.root), str(WORKERS)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            match = re.fullmatch(r"headwater: serving at (\S+)\n", line)
            assert match is not None, line
            yield Running(match[1], process.pid)
        finally:
            process.terminate()
            process.wait(15)


@asynccontextmanager
async def connections() -> AsyncIterator[list[aiohttp.ClientSession]]:
    """Clients that each keep one connection, and so one worker."""
    clients = [
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) for _ in range(CONNECTIONS)
    ]
    try:
        yield clients
    finally:
        for client in clients:
            await client.close()


@dataclass(frozen=True, slots=True)
class Player:
    """What a player asks for under one token."""

    running: Running
    token: str
    kid: bytes

    async def said(self, client: aiohttp.ClientSession) -> tuple[int, int, int]:
        """The statuses of manifest, key and license, over that client's one connection."""
        base = f"{self.running.url}/v1/t/{self.token}/tracks/{houses.TRACK}/{houses.REVISION}"
        name = urlsafe_b64encode(self.kid).rstrip(b"=").decode()
        asked = (
            ("GET", f"{base}/standard/hls/multivariant.m3u8", None),
            ("GET", f"{base}/keys/{self.kid.hex()}", None),
            (
                "POST",
                f"{self.running.url}/license/clearkey?token={self.token}",
                json.dumps({"kids": [name]}),
            ),
        )
        statuses = []
        for method, url, data in asked:
            async with client.request(method, url, data=data) as response:
                await response.read()
                statuses.append(response.status)
        return statuses[0], statuses[1], statuses[2]


@pytest.fixture
async def catalog(house: House) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(f"sqlite+aiosqlite:///{house.root / 'catalog.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def player(running: Running, house: House) -> Player:
    async with houses.open_deps(house) as deps:
        token = houses.playback_token(deps, ttl_s=600)
    return Player(running, token, house.keys["standard"].kid.value)


Change = Callable[[Tx, datetime], Awaitable[None]]


async def revoke(tx: Tx, now: datetime) -> None:
    """The label takes its right back: nothing but Germany is left."""
    window = WindowRecord("DE", None, None)
    await rights.put(tx, RightsRecord(houses.TRACK, (window,), offline=True, updated_at=now))


async def give_back(tx: Tx, _: datetime) -> None:
    await rights.clear(tx, houses.TRACK)


CHANGES: dict[str, tuple[Change, Change]] = {
    "unpublish": (
        lambda tx, now: unpublish(tx, houses.TRACK, now),
        lambda tx, now: republish(tx, houses.TRACK, now),
    ),
    "embargo": (
        lambda tx, now: embargo(tx, houses.TRACK, datetime(2099, 1, 1, tzinfo=UTC), now),
        lambda tx, now: embargo(tx, houses.TRACK, None, now),
    ),
    "rights": (revoke, give_back),
}


async def test_what_is_taken_away_ends_in_every_worker(
    running: Running, player: Player, catalog: Catalog
) -> None:
    async with connections() as clients:
        for name, (take, give_back) in CHANGES.items():
            await _until(player, clients, granted=True)
            assert running.busy_workers() == WORKERS
            took = time.monotonic()
            async with catalog.begin() as tx:
                await take(tx, datetime.now(UTC))
            await _until(player, clients, granted=False)
            lasted = time.monotonic() - took
            assert lasted < BINDS_WITHIN_S, name
            for said in await asyncio.gather(*map(player.said, clients)):
                assert 200 not in said, name  # and it stays so
            async with catalog.begin() as tx:
                await give_back(tx, datetime.now(UTC))


async def _until(player: Player, clients: list[aiohttp.ClientSession], *, granted: bool) -> None:
    """Ask over all connections until each says so of manifest, key and license."""
    deadline = time.monotonic() + 3 * BINDS_WITHIN_S
    while time.monotonic() < deadline:
        answers = await asyncio.gather(*map(player.said, clients))
        if all((status == 200) is granted for said in answers for status in said):
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"after {3 * BINDS_WITHIN_S} s: {answers}")


async def test_streams_are_one_sum(running: Running, house: House) -> None:
    keys = TokenKeys.open(house.root / "tokens.json", create=False).access
    access = AccessTokens(keys, issuer="headwater", audience="headwater")
    headers = {"Authorization": f"Bearer {access.mint('ada', 'free', 600)}"}
    url = f"{running.url}/api/v1/playback/{houses.TRACK}"

    async def begin(client: aiohttp.ClientSession) -> int:
        async with client.post(url, headers=headers) as response:
            await response.read()
            return response.status

    async with connections() as clients:
        for client in clients:
            async with client.get(f"{running.url}/healthz") as response:
                await response.read()
        assert running.busy_workers() == WORKERS
        statuses = await asyncio.gather(*map(begin, clients))
    assert sorted(statuses) == [200] + [403] * (CONNECTIONS - 1)

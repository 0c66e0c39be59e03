"""An origin whose parts fail while people listen: no wrong byte, no error but the fault's own.

Everything is real: Moto's S3 server behind a proxy that lies, PostgreSQL that is killed, workers
that are killed, clients that never come to the point. The long form is `scripts/soak/origin`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from catalog import copying
from catalog import publish as publishing
from catalog.engine import Catalog
from configs.settings import OriginSettings
from origin.listening import address_url, reserve
from origin.server import start
from origin.state import OriginDeps
from packager.model import ByteSpan
from storage.local import LocalStore
from tests.servers.buckets import open_store
from tests.servers.postgres import Postgres
from tests.servers.proxy import Fault, Proxy, answer, flip, proxying
from tests.servers.s3_server import S3Server
from tests.support import house as houses
from tests.support.house import House
from tests.support.house_process import serving_house, workers_of
from tests.support.listeners import listening

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.copy(houses.built(tmp_path_factory), tmp_path_factory.mktemp("fault") / "house")


def wanted(house: House, url: str, token: str, *renditions: str) -> dict[str, str]:
    """The addresses of segments, and their hashes as they rest on the disk."""
    found = {}
    folder = house.root / "storage/tracks" / houses.TRACK / houses.REVISION
    for one in house.package.renditions:
        if renditions and one.name not in renditions:
            continue
        data = (folder / one.file).read_bytes()
        base = f"{url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}/{one.name}"
        spans = {"init.mp4": one.init}
        spans |= {f"{n}.m4s": segment.span for n, segment in enumerate(one.segments, 1)}
        spans |= {"": ByteSpan(0, one.size)}
        for name, span in spans.items():
            address = f"{base}/{name}" if name else f"{base}.mp4"
            found[address] = hashlib.sha256(data[span.start : span.end]).hexdigest()
    return found


@asynccontextmanager
async def origin(
    house: House, settings: dict[str, object] | None = None, **changes: object
) -> AsyncIterator[tuple[str, str, OriginDeps]]:
    """An origin in this process; its address, a token, and what it works with."""
    given = {"port": 0, "shutdown_grace_s": 1.0, "outage_grace_s": 60, **(settings or {})}
    with reserve("127.0.0.1", 0, shared=False) as bound:
        url = address_url(bound, tls=False)
        async with houses.open_deps(house, OriginSettings.model_validate(given)) as opened:
            deps = replace(opened, **changes)  # type: ignore[arg-type] # the callers' matter
            runner = await start(deps, bound)
            try:
                yield url, houses.playback_token(deps), deps
            finally:
                await runner.cleanup()


@asynccontextmanager
async def on_a_bucket(
    house: House, server: S3Server, settings: dict[str, object] | None = None
) -> AsyncIterator[tuple[str, str, Proxy]]:
    """The same on a bucket, with a proxy in between that can be told to lie."""
    direct = open_store("minio", server)
    local = LocalStore(house.root / "storage")
    async for found in local.list(""):
        await direct.put(found.key, await local.get(found.key))
    async with proxying(*server.address) as proxy:
        store = open_store(
            "aioboto3",
            replace(server, endpoint=proxy.endpoint),
            prefix=direct._rules.prefix,
            retry_s=0.0,
        )
        async with origin(house, settings, store=store) as (url, token, _):
            yield url, token, proxy
        await store.close()
    await direct.close()


async def get(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return response.status, await response.read()


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something holds: at most so long that it never will."""
    async with asyncio.timeout(30):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.05)


def is_well(url: str) -> Callable[[], Awaitable[bool]]:
    """Whether an origin says that all of its parts answer."""

    async def ask() -> bool:
        return b'"status": "ok"' in (await get(f"{url}/readyz"))[1]

    return ask


def is_there(url: str, *, status: int = 200) -> Callable[[], Awaitable[bool]]:
    """Whether an address answers so."""

    async def ask() -> bool:
        return (await get(url))[0] == status

    return ask


def cut(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """A byte less, and the head says so, too."""
    length = f"Content-Length: {len(body)}".encode()
    return head.replace(length, f"Content-Length: {len(body) - 1}".encode()), body[:-1]


def flipped(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    return head, flip(len(body) // 2)(body) if body else body


async def test_a_lying_bucket(house: House, moto_bucket: S3Server) -> None:
    async with on_a_bucket(house, moto_bucket) as (url, token, proxy):
        parts = wanted(house, url, token)
        first = next(iter(parts))
        assert (await get(first))[0] == 200  # the package index was read, and is right
        proxy.faults = [
            Fault("GET", times=4, skip=1, response=flipped),
            Fault("GET", times=4, skip=1, response=cut),
        ]
        async with listening(parts, count=4) as heard:
            await until(lambda: not proxy.faults and heard.done > 2 * len(parts))
        assert heard.wrong == []
        # A file of many parts has begun when one of them is found out: then it is cut off.
        assert {what for _, what in heard.failed} <= {"503", "connection"}
    async with on_a_bucket(house, moto_bucket) as (url, token, proxy):
        parts = wanted(house, url, token, "flac")
        address, sha256 = list(parts.items())[1]
        await get(next(iter(parts)))
        proxy.faults = [Fault("GET", times=2, response=flipped)]
        status, body = await get(address)  # asked for again, twice
        assert (status, hashlib.sha256(body).hexdigest()) == (200, sha256)
        proxy.faults = [Fault("GET", times=1000, response=flipped)]
        assert (await get(list(parts)[2]))[0] == 503
        proxy.faults = []
        assert (await get(list(parts)[2]))[0] == 200


async def test_a_slow_bucket_and_one_that_is_down(house: House, moto_bucket: S3Server) -> None:
    async with on_a_bucket(house, moto_bucket) as (url, token, proxy):
        warm = wanted(house, url, token, "aac-64k")
        cold = wanted(house, url, token, "flac")
        for address in (*warm, f"{url}/readyz"):
            assert (await get(address))[0] == 200
        await get(next(iter(cold)))
        proxy.faults = [Fault("GET", times=1000, delay_s=2.0)]
        async with listening(warm, count=4) as heard:
            waiting = [asyncio.create_task(get(list(cold)[1])) for _ in range(20)]
            await until(lambda: heard.done > 100)  # as ever
            assert not any(one.done() for one in waiting)
            slow = await asyncio.gather(*waiting)
        assert {status for status, _ in slow} == {200}
        assert proxy.faults[0].times == 999  # one read for all of them
        assert (heard.failed, heard.wrong) == ([], [])
        down = answer(503, "ServiceUnavailable")
        proxy.faults = [Fault(method, times=10**6, answer=down) for method in ("GET", "HEAD")]
        async with listening(warm, count=4) as heard:
            status, body = await get(list(cold)[2])
            assert (status, b"storage-unavailable" in body) == (503, True)
            status, body = await get(f"{url}/readyz")
            assert (status, b'"storage": "unreachable"' in body) == (200, True)
        assert (heard.failed, heard.wrong) == ([], [])
        proxy.faults = []
        assert (await get(list(cold)[2]))[0] == 200
        await until(is_well(url))


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 KiB, which a segment fills."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(("umount", "-l", str(folder)), check=True)


async def test_the_second_levels_disk_is_full(
    house: House, moto_bucket: S3Server, full: Path
) -> None:
    settings: dict[str, object] = {"disk_cache_path": full, "cache_bytes": 1 << 20}
    async with on_a_bucket(house, moto_bucket, settings) as (url, token, _):
        parts = wanted(house, url, token)
        async with listening(parts, count=4) as heard:
            await until(lambda: heard.done > 5 * len(parts))
        assert (heard.failed, heard.wrong) == ([], [])
    assert sum(one.stat().st_size for one in full.rglob("*") if one.is_file()) <= 64 << 10


async def test_postgresql_is_killed_and_comes_back(house: House, postgres: Postgres) -> None:
    address = postgres.create()
    old = await Catalog.open(f"sqlite+aiosqlite:///{house.root / 'catalog.db'}")
    catalog = await Catalog.open(address)
    await copying.copy(old, catalog, lambda *_: None)
    await old.close()
    async with origin(house, catalog=catalog) as (url, token, deps):
        media = wanted(house, url, token, "aac-64k")
        access = deps.tiers.access(deps.tiers.order)
        base = f"{url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}"
        manifest = f"{base}/{access}/hls/multivariant.m3u8"
        key = f"{base}/keys/{house.keys['standard'].kid.hex}"
        other = houses.playback_token(deps, scope=f"tracks/{houses.OTHER_TRACK}/")
        place = f"{houses.OTHER_TRACK}/{houses.REVISION}/{access}/hls/multivariant.m3u8"
        unknown = f"{url}/v1/t/{other}/tracks/{place}"
        both = media | {
            one: hashlib.sha256((await get(one))[1]).hexdigest() for one in (manifest, key)
        }
        assert (await get(f"{url}/readyz"))[0] == 200
        async with listening(both, count=6) as heard:
            await asyncio.sleep(1)  # this server forgets what it was told less than 0.6 s ago
            await asyncio.to_thread(postgres.kill)
            await asyncio.sleep(2.5)  # longer than any answer of the catalog is believed otherwise
            status, body = await get(f"{url}/readyz")
            assert (status, b'"catalog": "unreachable"' in body) == (200, True)
            assert (await get(unknown))[0] == 503
            postgres.start()
            await until(is_well(url))
            await until(is_there(unknown))
        assert (heard.failed, heard.wrong) == ([], [])
        async with catalog.begin() as tx:  # and rights bind again
            await publishing.unpublish(tx, houses.TRACK, datetime.now(UTC))
        await until(is_there(manifest, status=404))
        await until(is_there(key, status=404))
    await catalog.close()
    postgres.drop(address)


async def test_a_worker_is_killed_and_500_clients_dawdle(house: House, tmp_path: Path) -> None:
    copy = houses.copy(house, tmp_path / "house")
    async with houses.open_deps(copy) as deps:
        token = houses.playback_token(deps)
    with serving_house(copy.root, workers=2, header_timeout_s=2) as (process, url):
        parts = wanted(house, url, token)
        host, _, port = url.removeprefix("http://").partition(":")
        async with (
            listening(parts, count=8, retries=2, pause_s=0.01) as heard,
            listening(parts, count=2, retries=2, anew=True) as others,
        ):
            slow = [await asyncio.open_connection(host, int(port)) for _ in range(500)]
            for _, writer in slow:
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
            for _ in range(5):
                await asyncio.sleep(0.5)
                for number, (_, writer) in enumerate(slow):
                    if not writer.is_closing():
                        writer.write(f"X-{number}: 1\r\n".encode())
            ends = await asyncio.gather(
                *(asyncio.wait_for(reader.read(-1), 10) for reader, _ in slow),
                return_exceptions=True,
            )
            assert not any(isinstance(end, TimeoutError) for end in ends)  # all were cut off
            for _, writer in slow:
                writer.close()
            victim = workers_of(process)[0]
            before = heard.done
            os.kill(victim, signal.SIGKILL)
            await until(lambda: victim not in (now := workers_of(process)) and len(now) == 2)
            await until(lambda: heard.done > before + 200)
        for one in (heard, others):
            assert (one.failed, one.wrong) == ([], [])
            assert one.done > 50

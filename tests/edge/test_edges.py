"""Through the real nginx and the real Varnish, with the packaged configuration."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import m3u8
import pytest
from multidict import CIMultiDictProxy

from catalog.publish import republish, unpublish
from scripts.edge_servers import Edge
from tests.support import house as houses
from tests.support.threaded_origin import ANSWER_S, Origin

pytestmark = pytest.mark.server

MANIFEST = "standard/hls/multivariant.m3u8"


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def cache(self) -> str | None:
        return self.headers.get("X-Cache-Status")

    @property
    def reason(self) -> str:
        return str(json.loads(self.body)["reason"])


async def get(client: aiohttp.ClientSession, edge: Edge, path: str, **headers: str) -> Got:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(edge.url + path, headers=fields) as response:
        return Got(response.status, response.headers, await response.read())


async def test_every_byte_is_the_origins(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    for rendition in origin.house.package.renditions:
        stored = origin.stored(rendition.name)
        whole = await get(client, edge, origin.path(rendition.file))
        assert (whole.status, whole.body) == (200, stored)
        init = await get(client, edge, origin.path(f"{rendition.name}/init.mp4"))
        assert init.body == stored[: rendition.init.end]
        for number, segment in enumerate(rendition.segments, 1):
            got = await get(client, edge, origin.path(f"{rendition.name}/{number}.m4s"))
            assert got.body == stored[segment.span.start : segment.span.end]


async def test_ranges_across_slices(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    stored = origin.stored("flac")
    step = 512 << 10
    spans = [(0, 0), (step - 1, step), (step, 2 * step), (5, 3 * step + 5), (7, len(stored) - 1)]
    for first, last in spans:
        got = await get(client, edge, origin.path("flac.mp4"), Range=f"bytes={first}-{last}")
        assert got.status == 206
        assert got.headers["Content-Range"] == f"bytes {first}-{last}/{len(stored)}"
        assert got.body == stored[first : last + 1]
    got = await get(client, edge, origin.path("flac.mp4"), Range=f"bytes={len(stored)}-")
    assert (got.status, got.headers["Content-Range"]) == (416, f"bytes */{len(stored)}")
    got = await get(client, edge, origin.path("flac.mp4"), Range="bytes=0-1,9-10")
    assert (got.status, got.body) == (200, stored)


async def test_a_slice_is_fetched_when_it_is_wanted(
    nginx: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    path = origin.path("flac.mp4", track=houses.OTHER_TRACK)  # that no other test warms
    for first, cache in ((0, "MISS"), (9, "HIT"), (600_000, "MISS"), (2_000_000, "MISS")):
        got = await get(client, nginx, path, Range=f"bytes={first}-{first + 9}")
        assert (got.status, got.cache) == (206, cache)


async def test_all_listeners_share_one_copy(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """Other tokens, other tiers, CMCD in the query or in headers, anything else in a query."""
    for rest in ("aac-320k/1.m4s", "aac-320k/init.mp4", MANIFEST):
        first = await get(client, edge, origin.path(rest, ttl_s=500))
        assert first.status == 200
        others = [
            await get(client, edge, origin.path(rest, ttl_s=501)),
            await get(client, edge, origin.path(rest, "standard", "premium")),
            await get(client, edge, origin.path(rest, query="?CMCD=sid%3D%22a%22%2Cbr%3D320")),
            await get(client, edge, origin.path(rest, query="?CMCD=sid%3D%22b%22&utm=1")),
            await get(client, edge, origin.path(rest), CMCD_Session='sid="c"', Cookie="a=b"),
        ]
        assert [one.cache for one in others] == ["HIT"] * len(others)
        assert {one.body for one in others} == {first.body}


async def test_a_body_that_nobody_wants_shifts_no_answer(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """Its length, passed on without it, would have the origin eat the next one's request."""
    rendition = next(one for one in origin.house.package.renditions if one.name == "aac-64k")
    stored = origin.stored("aac-64k")
    length = len(origin.path("aac-64k/1.m4s")) + 200  # as long as a request
    for method, rest, status in (
        ("GET", "aac-64k/1.m4s", 200),
        ("GET", MANIFEST, 200),
        ("GET", "aac-64k.mp4", 200),
        ("GET", f"keys/{origin.house.keys['standard'].kid.hex}", 200),
        ("POST", "aac-64k/1.m4s", 405),
        ("PUT", "aac-64k.mp4", 405),
        ("POST", MANIFEST, 405),
    ):
        for tiers in ((), ("lossless",)):  # who may, and who may not: they are asked about, too
            url = edge.url + origin.path(rest, *tiers, ttl_s=length)  # a token of its own
            async with client.request(method, url, data=b"G" * length) as response:
                assert response.status == (403 if tiers and status == 200 else status), (
                    method,
                    rest,
                )
        for number, segment in enumerate(rendition.segments * 20, 1):
            if number > 20:
                break
            at = 1 + (number - 1) % len(rendition.segments)
            length += 1
            got = await get(client, edge, origin.path(f"aac-64k/{at}.m4s", ttl_s=length))
            assert got.body == stored[segment.span.start : segment.span.end], (method, rest, number)


async def test_a_token_that_is_renewed_amid_a_track_costs_no_miss(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    for number in (1, 2):
        await get(client, edge, origin.path(f"aac-64k/{number}.m4s"))
    reads = len(origin.store.reads)
    for number, ttl_s in ((1, 300), (2, 900)):
        got = await get(client, edge, origin.path(f"aac-64k/{number}.m4s", ttl_s=ttl_s))
        assert got.cache == "HIT"
    assert len(origin.store.reads) == reads


async def test_a_copy_is_for_those_who_may_have_it(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    good = origin.path("flac/1.m4s")
    assert (await get(client, edge, good)).status == 200
    foreign = origin.path("x", track=houses.OTHER_TRACK).split("/")[3]
    token = good.split("/")[3]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    cases = (
        (origin.path("flac/1.m4s", "standard"), 403, "tier-not-open"),
        (good.replace(token, foreign), 403, "wrong-scope"),
        (good.replace(token, forged), 401, "token-invalid"),
        (origin.path("flac/1.m4s", ttl_s=-1), 401, "token-expired"),
    )
    for path, status, reason in cases * 2:
        got = await get(client, edge, path)
        assert (got.status, got.reason) == (status, reason)
        assert got.headers["Cache-Control"] == "no-store"
        assert got.headers["Access-Control-Allow-Origin"] == "*"
        assert got.cache is None
    assert (await get(client, edge, good)).status == 200


async def test_a_token_that_ends_is_let_in_no_longer(
    nginx: Edge, varnish: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    path = origin.path("aac-64k/1.m4s", ttl_s=2)
    ends = int(time.time()) + 2
    for edge in (nginx, varnish):
        assert (await get(client, edge, path)).status == 200
    await asyncio.sleep(ends + 1.1 - time.time())  # caches count in whole seconds
    for edge in (nginx, varnish):
        assert (await get(client, edge, path)).status == 401


async def test_keys_and_the_api_are_passed_through(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    key = origin.house.keys["standard"]
    for _ in range(2):
        got = await get(client, edge, origin.path(f"keys/{key.kid.hex}"))
        assert (got.body, got.headers["Cache-Control"]) == (key.key, "no-store")
        assert got.cache is None
    got = await get(client, edge, origin.path(f"keys/{key.kid.hex}", "lossless"))
    assert got.status == 403
    token = origin.path("x").split("/")[3]
    for _ in range(2):
        body = {"kids": ["AAAAAAAAAAAAAAAAAAAAAA"], "type": "temporary"}
        url = f"{edge.url}/license/clearkey?token={token}"
        async with client.post(url, json=body) as response:
            assert response.status == 403
            assert "X-Cache-Status" not in response.headers
    assert (await get(client, edge, "/readyz")).status == 200
    async with client.options(edge.url + origin.path("flac/1.m4s")) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Max-Age"] == "86400"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", f"/api/v1/uploads/u{'a' * 25}"), ("POST", "/speke/v2/copyProtection")],
)
async def test_what_may_be_large_is_the_origins_to_judge(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession, method: str, path: str
) -> None:
    answers = []
    for server in (f"http://127.0.0.1:{origin.port}", edge.url):
        async with client.request(method, server + path, data=bytes(300_000)) as response:
            answers.append((response.status, await response.read()))
    assert answers[0] == answers[1]


async def test_playback_begins_and_goes_on_through_the_edge(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """The API answers with URLs of the edge; what they name names the rest."""
    access = origin.deps.access_tokens.mint("listener", "premium", 60)
    url = f"{edge.url}/api/v1/playback/{houses.TRACK}"
    fields = {"Authorization": f"Bearer {access}"}
    async with client.post(url, headers=fields) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        playback = await response.json()
    for name in ("hls", "hls_identity", "dash"):
        assert playback[name].startswith(f"{edge.url}/v1/t/")
        async with client.get(playback[name]) as response:
            assert response.status == 200
            text = await response.text()
    assert playback["license"].startswith(edge.url)
    async with client.get(playback["hls"].replace("multivariant", "flac")) as response:
        media = m3u8.loads(await response.text(), uri=playback["hls"].replace("multivariant", "x"))
    length, start = map(int, media.segments[0].byterange.split("@"))
    span = {"Range": f"bytes={start}-{start + length - 1}"}
    async with client.get(media.segments[0].absolute_uri, headers=span) as response:
        assert response.status == 206
        assert await response.read() == origin.stored("flac")[start : start + length]
    assert "MPD" in text


async def test_an_answer_says_how_it_was_served(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    path = origin.path("flac/init.mp4", track=houses.OTHER_TRACK)  # that no other test warms
    first, again = await get(client, edge, path), await get(client, edge, path)
    assert first.headers["Server-Timing"].startswith("edge;desc=MISS, ")
    assert again.headers["Server-Timing"] == "edge;desc=HIT"
    assert "1.1 " in again.headers["Via"]
    etag = again.headers["ETag"]
    assert (await get(client, edge, path, If_None_Match=etag)).status == 304
    assert (await get(client, edge, path, If_None_Match='"x"')).status == 200


async def test_what_goes_in_circles_is_stopped(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    via = ", ".join(["1.1 headwater-edge"] * 3)
    got = await get(client, edge, origin.path("aac-64k/1.m4s"), Via=via)
    assert got.status == 508


async def test_many_who_want_a_cold_segment_are_one_read(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """And the one who leads leaves before the storage answers. The bench has a thousand."""
    number = {"nginx": 2, "varnish": 3}[edge.kind]  # of a track that no other test warms

    def path(ttl_s: int, number: int = number) -> str:
        return origin.path(f"aac-320k/{number}.m4s", track=houses.OTHER_TRACK, ttl_s=ttl_s)

    assert (await get(client, edge, path(600, 1))).status == 200  # the origin knows the track
    origin.store.reads.clear()
    origin.store.gate.clear()
    try:
        leader = asyncio.create_task(get(client, edge, path(599)))
        while not origin.store.reads:  # another thread counts them
            assert not leader.done(), leader.result()
            await asyncio.sleep(0.01)
        waiting = [asyncio.create_task(get(client, edge, path(600 + one))) for one in range(300)]
        await asyncio.sleep(0.3)
        leader.cancel()
        await asyncio.sleep(0.1)
    finally:
        origin.store.gate.set()
    answers = await asyncio.gather(*waiting)
    assert {one.status for one in answers} == {200}
    assert len({hashlib.sha256(one.body).digest() for one in answers}) == 1
    assert len(origin.store.reads) == 1


async def test_listeners_take_no_descriptors_for_longer_than_they_ask(
    nginx: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """An answer about a token is a file of its own: a crowd's, held open, are too many."""

    async def ask(ttl_s: int) -> int:
        for _ in range(2):  # the second time its answer is read
            path = origin.path("aac-64k/1.m4s", ttl_s=ttl_s)
            assert (await get(client, nginx, path)).status == 200
        pid = nginx.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in workers)

    before = await ask(2000)
    assert max([await ask(2001 + one) for one in range(40)]) < before + 20


async def test_a_takedown_shows_for_copies_too(
    nginx: Edge, varnish: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    """As soon as the edges ask the origin again; with the default that is 30 s."""
    rests = ("aac-64k/1.m4s", "aac-64k.mp4", MANIFEST)
    paths = [origin.path(rest, track=houses.OTHER_TRACK) for rest in rests]
    left = {(edge.kind, path): edge for edge in (nginx, varnish) for path in paths}
    for (_, path), edge in [*left.items()] * 2:
        assert (await get(client, edge, path)).status == 200
    origin.in_catalog(unpublish, houses.OTHER_TRACK)
    began = time.monotonic()
    try:
        while left:
            assert time.monotonic() - began < ANSWER_S + 2 + 5
            for (kind, path), edge in tuple(left.items()):
                got = await get(client, edge, path)
                if got.status != 200:
                    assert (got.status, got.reason) == (403, "track-unavailable")
                    del left[kind, path]
            await asyncio.sleep(0.1)
    finally:
        origin.in_catalog(republish, houses.OTHER_TRACK)
    for edge in (nginx, varnish):
        # The origin remembers it; 503: it was refused, and is a yes when the reason is asked for.
        while (got := await get(client, edge, paths[0])).status in {403, 503}:
            assert time.monotonic() - began < ANSWER_S + 2 + 10
            await asyncio.sleep(0.1)
        assert got.cache == "HIT"  # it was not lost meanwhile

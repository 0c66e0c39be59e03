"""Purges of the real nginx and Varnish: what was told to go is gone, and nothing else."""

from __future__ import annotations

import aiohttp
import pytest

from configs.settings import PurgeSettings
from origin.outbound import OutboundClient
from packager import index
from packager.model import Package
from pipeline.purging import Purge, Purged, Purger, cached_objects
from scripts.edge_servers import Edge
from storage.naming import PACKAGE_INDEX, track_object
from tests.support import house as houses
from tests.support.threaded_origin import Origin

pytestmark = pytest.mark.server


async def purge(edge: Edge, package: Package) -> Purged:
    cache = PurgeSettings.model_validate({"kind": edge.kind, "url": edge.purge_url})
    what = Purge((package.track_id,), tuple(cached_objects(package)))
    async with OutboundClient() as http:
        (told,) = await Purger(http, [cache], lambda _: "", timeout_s=10).purge(what)
    return told


async def cached(
    client: aiohttp.ClientSession, edge: Edge, origin: Origin, track: str
) -> dict[str, str]:
    """How everything of a track is answered now, each piece alone."""
    found = {}
    for rendition in origin.house.package.renditions:
        count = len(rendition.segments)
        rests = [f"{rendition.name}/{number}.m4s" for number in range(1, count + 1)]
        for rest in (f"{rendition.name}/init.mp4", rendition.file, *rests):
            async with client.get(edge.url + origin.path(rest, track=track)) as response:
                assert response.status == 200
                await response.read()
                found[rest] = response.headers["X-Cache-Status"]
    last = {"Range": "bytes=2000000-2000009"}  # another slice than the first
    url = edge.url + origin.path("flac.mp4", track=track)
    async with client.get(url, headers=last) as response:
        assert response.status == 206
        found["a late slice"] = response.headers["X-Cache-Status"]
    return found


async def test_what_is_purged_is_gone_and_nothing_else(
    edge: Edge, origin: Origin, client: aiohttp.ClientSession
) -> None:
    tracks = (houses.TRACK, houses.OTHER_TRACK)
    for _ in range(2):
        found = [await cached(client, edge, origin, track) for track in tracks]
    assert {status for one in found for status in one.values()} == {"HIT"}
    key = track_object(houses.OTHER_TRACK, houses.REVISION, PACKAGE_INDEX)
    package = index.decode((origin.house.root / "storage" / key).read_bytes())
    told = await purge(edge, package)
    assert told.problem is None
    kept, gone = [await cached(client, edge, origin, track) for track in tracks]
    assert set(kept.values()) == {"HIT"}
    # The whole file was asked for before its late slice, which came back with it.
    assert gone.pop("a late slice") == "HIT"
    assert set(gone.values()) == {"MISS"}
    assert (await purge(edge, package)).problem is None


async def test_a_purge_is_for_those_inside(edge: Edge, client: aiohttp.ClientSession) -> None:
    """Wrong words, wrong methods; at the address for listeners nginx knows no purge."""
    if edge.kind == "varnish":
        for key in ("", "t1", ".*", "t" + "a" * 20 + " .*"):
            fields = {"Surrogate-Key": key}
            async with client.request("BAN", edge.url, headers=fields) as response:
                assert response.status == 400
        return
    name = f"tracks/{houses.TRACK}/{houses.REVISION}/flac/1.m4s"
    async with client.get(f"{edge.purge_url}/{name}") as response:
        assert response.status == 405
    async with client.request("PURGE", f"{edge.url}/{name}") as response:
        assert response.status in {404, 405}

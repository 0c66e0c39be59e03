"""Media, manifests, covers and keys, over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import aiohttp
import m3u8
import pytest
from lxml import etree

from catalog.publish import embargo, republish, unpublish
from origin.headers import IMMUTABLE
from storage.base import StorageError
from tests.http.conftest import Origin
from tests.support import house as houses

MANIFESTS = (
    "standard-premium-lossless/hls/multivariant.m3u8",
    "standard-premium-lossless/hls/flac.m3u8",
    "standard-premium-lossless/hls-identity/aac-64k.m3u8",
    "standard-premium-lossless/dash/manifest.mpd",
)


async def test_a_track_file_is_sent_whole_byte_for_byte(origin: Origin) -> None:
    for name in ("aac-64k", "aac-320k", "flac"):
        async with origin.client.get(origin.media(f"{name}.mp4")) as response:
            assert response.status == 200
            assert await response.read() == origin.stored(name)
            assert response.headers["Accept-Ranges"] == "bytes"
            assert response.content_type == "audio/mp4"
            assert response.headers["Cache-Control"] == IMMUTABLE.cache_control


async def test_segments_at_their_own_urls_are_the_files_bytes(origin: Origin) -> None:
    rendition = origin.house.package.renditions[0]
    names = ["init.mp4", *(f"{n}.m4s" for n in range(1, len(rendition.segments) + 1))]
    spans = [rendition.init, *(segment.span for segment in rendition.segments)]
    etags = set()
    for name, span in zip(names, spans, strict=True):
        for _ in range(2):  # read, then remembered
            async with origin.client.get(origin.media(f"{rendition.name}/{name}")) as response:
                assert response.status == 200
                body = await response.read()
                assert body == origin.stored(rendition.name)[span.start : span.end]
                etags.add(response.headers["ETag"])
    assert len(etags) == len(names)


async def test_a_segment_that_does_not_exist_is_not_found(origin: Origin) -> None:
    after = len(origin.house.package.renditions[0].segments) + 1
    for rest in (f"aac-64k/{after}.m4s", "aac-65k/1.m4s", "aac-65k.mp4"):
        async with origin.client.get(origin.media(rest)) as response:
            assert response.status == 404
            assert response.content_type == "application/problem+json"
            assert response.headers["Cache-Control"] == "public, max-age=2"


async def test_any_range_of_a_track_file_is_exact(origin: Origin) -> None:
    stored = origin.stored("flac")
    rendition = origin.house.package.renditions[-1]
    edges = [0, 1, rendition.init.end, *(one.span.end for one in rendition.segments)]
    url = origin.media("flac.mp4")
    for start in edges:
        for end in edges:
            for first, last in ((start, end), (start + 7, end - 1), (start, end - 9)):
                if not 0 <= first <= last < len(stored):
                    continue
                headers = {"Range": f"bytes={first}-{last}"}
                async with origin.client.get(url, headers=headers) as response:
                    assert response.status == 206
                    assert await response.read() == stored[first : last + 1]
                    expected = f"bytes {first}-{last}/{len(stored)}"
                    assert response.headers["Content-Range"] == expected


async def test_the_ranges_a_player_asks_for_are_remembered(origin: Origin) -> None:
    span = origin.house.package.renditions[0].segments[0].span
    headers = {"Range": f"bytes={span.start}-{span.end - 1}"}
    url = origin.media("aac-64k.mp4")
    bodies = []
    for _ in range(3):
        async with origin.client.get(url, headers=headers) as response:
            assert response.status == 206
            bodies.append(await response.read())
    assert bodies == [origin.stored("aac-64k")[span.start : span.end]] * 3
    assert len(origin.state.replies) == 1
    odd = {"Range": f"bytes=0{span.start}-{span.end - 1}"}
    async with origin.client.get(url, headers=odd) as response:
        assert await response.read() == bodies[0]
    assert len(origin.state.replies) == 1


@pytest.mark.parametrize(
    ("range_", "status"),
    [
        ("bytes=-0", 416),
        ("bytes=99999999-", 416),
        ("bytes=5-2", 200),
        ("items=0-1", 200),
        ("bytes=0-1,5-6", 200),
        ("bytes=0-1,2-6", 206),
        ("bytes=-10", 206),
    ],
)
async def test_odd_ranges(origin: Origin, range_: str, status: int) -> None:
    for _ in range(2):
        async with origin.client.get(
            origin.media("aac-64k.mp4"), headers={"Range": range_}
        ) as response:
            assert response.status == status
            size = len(origin.stored("aac-64k"))
            if status == 416:
                assert response.headers["Content-Range"] == f"bytes */{size}"
            await response.read()


async def test_if_range_with_a_stale_tag_gives_the_whole(origin: Origin) -> None:
    url = origin.media("aac-64k.mp4")
    async with origin.client.get(url, headers={"Range": "bytes=0-9"}) as response:
        etag = response.headers["ETag"]
    for tag, status in ((etag, 206), ('"stale"', 200), (f"W/{etag}", 200)):
        headers = {"Range": "bytes=0-9", "If-Range": tag}
        async with origin.client.get(url, headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize("rest", ["aac-64k.mp4", "aac-64k/1.m4s", *MANIFESTS])
async def test_an_entity_tag_that_matches_gives_304(origin: Origin, rest: str) -> None:
    url = origin.media(rest)
    async with origin.client.get(url) as response:
        etag, cache = response.headers["ETag"], response.headers["Cache-Control"]
        assert not etag.startswith("W/")
    for tag in (etag, f'W/{etag}, "other"', "*"):
        async with origin.client.get(url, headers={"If-None-Match": tag}) as response:
            assert response.status == 304
            assert response.headers["ETag"] == etag
            assert response.headers["Cache-Control"] == cache
            assert await response.read() == b""
    async with origin.client.get(url, headers={"If-Match": '"other"'}) as response:
        assert response.status == 412


async def test_head_has_the_length_and_no_body(origin: Origin) -> None:
    url = origin.media("flac.mp4")
    async with origin.client.head(url, headers={"Range": "bytes=0-9"}) as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) == len(origin.stored("flac"))


async def test_hls_plays_through_relative_urls(origin: Origin) -> None:
    url = origin.media("standard-premium-lossless/hls/multivariant.m3u8")
    async with origin.client.get(url) as response:
        assert response.content_type == "application/vnd.apple.mpegurl"
        assert response.headers["Cache-Control"] == "public, max-age=15, must-revalidate"
        master = m3u8.loads(await response.text(), uri=url)
    assert {one.uri for one in master.playlists} == {"aac-64k.m3u8", "aac-320k.m3u8", "flac.m3u8"}
    for variant in master.playlists:
        async with origin.client.get(variant.absolute_uri) as response:
            media = m3u8.loads(await response.text(), uri=variant.absolute_uri)
        stored = origin.stored(variant.uri.removesuffix(".m3u8"))
        for segment in media.segments:
            length, start = map(int, segment.byterange.split("@"))
            headers = {"Range": f"bytes={start}-{start + length - 1}"}
            async with origin.client.get(segment.absolute_uri, headers=headers) as response:
                assert response.status == 206
                assert await response.read() == stored[start : start + length]


async def test_the_mpd_points_at_the_track_files(origin: Origin) -> None:
    url = origin.media("standard/dash/manifest.mpd")
    async with origin.client.get(url) as response:
        assert response.content_type == "application/dash+xml"
        mpd = etree.fromstring(await response.read())
    bases = [one.text for one in mpd.iter("{*}BaseURL")]
    assert bases == ["../../aac-64k.mp4"]


async def test_manifests_hold_what_the_path_says_and_no_more(origin: Origin) -> None:
    async with origin.client.get(origin.media("standard/hls/multivariant.m3u8")) as response:
        text = await response.text()
    assert "aac-64k" in text
    assert "flac" not in text
    async with origin.client.get(origin.media("standard/hls/flac.m3u8")) as response:
        assert response.status == 404
    for access in ("premium-standard", "standard-standard", "gold"):
        async with origin.client.get(origin.media(f"{access}/hls/multivariant.m3u8")) as response:
            assert response.status == 404


@pytest.mark.parametrize(
    "rest", ["standard-premium/hls/multivariant.m3u8", "flac.mp4", "flac/1.m4s", "flac/init.mp4"]
)
async def test_a_tier_that_the_token_does_not_open_is_denied(origin: Origin, rest: str) -> None:
    async with origin.client.get(origin.media(rest)) as response:
        assert response.status == 200  # now it is remembered for those who may
        await response.read()
    async with origin.client.get(origin.media(rest, "standard")) as response:
        assert response.status == 403
        assert response.headers["Cache-Control"] == "no-store"
        assert (await response.json(content_type=None))["reason"] == "tier-not-open"


async def test_a_token_opens_its_own_track_only(origin: Origin) -> None:
    token = houses.playback_token(origin.deps)
    for rest in ("aac-64k/1.m4s", "standard/hls/multivariant.m3u8"):
        path = f"tracks/{houses.OTHER_TRACK}/{houses.REVISION}/{rest}"
        async with origin.client.get(f"{origin.url}/v1/t/{token}/{path}") as response:
            assert response.status == 403
            assert (await response.json(content_type=None))["reason"] == "wrong-scope"


async def test_a_forged_token_is_refused(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    token = url.split("/")[5]
    forged = url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))
    async with origin.client.get(forged) as response:
        assert response.status == 401
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert (await response.json(content_type=None))["reason"] == "token-invalid"


async def test_a_token_ends_even_when_it_is_remembered(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s", ttl_s=2)
    async with origin.client.get(url) as response:
        assert response.status == 200
    await asyncio.sleep(2.1)
    async with origin.client.get(url) as response:
        assert response.status == 401
        assert (await response.json(content_type=None))["reason"] == "token-expired"


async def test_a_new_token_goes_on_where_the_old_one_ended(origin: Origin) -> None:
    bodies = []
    for ttl_s in (300, 600):
        async with origin.client.get(origin.media("aac-64k/2.m4s", ttl_s=ttl_s)) as response:
            bodies.append((await response.read(), response.headers["ETag"]))
    assert bodies[0] == bodies[1]


async def test_hls_keys_are_sixteen_bytes_of_the_tokens_tiers(origin: Origin) -> None:
    for tier, key in origin.house.keys.items():
        async with origin.client.get(origin.media(f"keys/{key.kid.hex}", tier)) as response:
            assert response.status == 200
            assert await response.read() == key.key
            assert response.content_type == "application/octet-stream"
            assert response.headers["Cache-Control"] == "no-store"


async def test_unknown_and_foreign_keys_look_the_same(origin: Origin) -> None:
    lossless = origin.house.keys["lossless"].kid.hex
    answers = []
    for kid in (lossless, "00" * 16):
        async with origin.client.get(origin.media(f"keys/{kid}", "standard")) as response:
            answers.append((response.status, await response.read()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


async def test_covers_have_a_scope_of_their_own(origin: Origin) -> None:
    name = hashlib.sha256(houses.COVER).hexdigest()
    scoped = houses.playback_token(origin.deps, scope="covers/")
    for token, status in ((scoped, 200), (houses.playback_token(origin.deps), 403)):
        url = f"{origin.url}/v1/t/{token}/covers/{name}.jpg"
        async with origin.client.get(url) as response:
            assert response.status == status
            if status == 200:
                assert await response.read() == houses.COVER
                assert response.content_type == "image/jpeg"


async def test_a_takedown_binds_soon(origin: Origin, unknown_s: float) -> None:
    kid = origin.house.keys["standard"].kid.hex
    rests = ("standard/hls/multivariant.m3u8", f"keys/{kid}", "standard/dash/manifest.mpd")
    assert await _statuses(origin, rests) == {200}
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))
    await asyncio.sleep(unknown_s)
    assert await _statuses(origin, rests) == {404}
    async with origin.deps.catalog.begin() as tx:
        await republish(tx, houses.TRACK, datetime.now(UTC))
    await asyncio.sleep(unknown_s)
    assert await _statuses(origin, rests) == {200}


async def test_an_embargo_hides_manifests(origin: Origin) -> None:
    now = datetime.now(UTC)
    async with origin.deps.catalog.begin() as tx:
        await embargo(tx, houses.TRACK, now + timedelta(hours=1), now)
    assert await _statuses(origin, MANIFESTS) == {404}


async def _statuses(origin: Origin, rests: tuple[str, ...]) -> set[int]:
    found = set()
    for rest in rests:
        async with origin.client.get(origin.media(rest)) as response:
            found.add(response.status)
    return found


async def test_a_missing_object_is_not_found_and_a_short_one_is_our_fault(origin: Origin) -> None:
    folder = origin.house.root / "storage/tracks" / houses.TRACK / houses.REVISION
    (folder / "aac-64k.mp4").unlink()
    async with origin.client.get(origin.media("aac-64k/1.m4s")) as response:
        assert response.status == 404
    flac = folder / "flac.mp4"
    flac.chmod(0o644)
    flac.write_bytes(flac.read_bytes()[:-10])
    last = len(origin.house.package.renditions[-1].segments)
    async with origin.client.get(origin.media(f"flac/{last}.m4s")) as response:
        assert response.status in {500, 503}
    with pytest.raises(aiohttp.ClientPayloadError):
        async with origin.client.get(origin.media("flac.mp4")) as response:
            await response.read()


async def test_many_who_miss_cause_one_read(origin: Origin) -> None:
    url = origin.media("flac/1.m4s")

    async def fetch() -> bytes:
        async with origin.client.get(url) as response:
            return await response.read()

    bodies = await asyncio.gather(*(fetch() for _ in range(100)))
    assert len(set(bodies)) == 1
    assert len(origin.watch.calls) == 2  # the index and the segment
    await fetch()
    assert len(origin.watch.calls) == 2


async def test_a_client_that_leaves_does_not_spoil_the_load(origin: Origin) -> None:
    request = (
        f"GET {origin.media('flac/1.m4s').removeprefix(origin.url)} HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.write(request.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    async with origin.client.get(origin.media("flac/1.m4s")) as response:
        assert response.status == 200
        assert len(await response.read()) > 0


async def test_a_store_that_is_away_can_be_asked_again(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    origin.watch.error = StorageError("the disk is on its way")
    async with origin.client.get(url) as response:
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"
        assert response.headers["Cache-Control"] == "no-store"
        text = await response.text()
        assert "disk" not in text
    origin.watch.error = None
    async with origin.client.get(url) as response:
        assert response.status == 200


async def test_what_is_remembered_is_bounded(origin: Origin) -> None:
    """Every piece and every odd range once: memory follows the cache's size, not the requests."""
    for rendition in origin.house.package.renditions:
        for first in range(0, 5000, 50):
            headers = {"Range": f"bytes={first}-{first + 10}"}
            async with origin.client.get(origin.media(rendition.file), headers=headers) as response:
                assert response.status == 206
    assert len(origin.state.replies) == 0


async def test_queries_are_ignored_and_odd_paths_unknown(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    async with origin.client.get(f"{url}?CMCD=br%3D64") as response:
        assert response.status == 200
    for path in ("/v1/t/", "/v1/t/x", "/v1/t/x/", "/v1/t/../../etc/passwd", "/v1/t//tracks"):
        assert await _raw_status(origin, path) == 404
    base = url.removeprefix(origin.url)
    for odd in (
        base.replace("aac-64k", "..%2faac-64k"),
        base.replace("/1.m4s", "//1.m4s"),
        base.replace("/1.m4s", "/01.m4s"),
        base.replace("/1.m4s", "/1.m4s/"),
        base.replace("/1.m4s", "/%31.m4s"),
        base.replace("aac-64k/1.m4s", "package.json"),
    ):
        assert await _raw_status(origin, odd) == 404


async def _raw_status(origin: Origin, target: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


async def test_only_reading_is_allowed(origin: Origin) -> None:
    async with origin.client.post(origin.media("aac-64k.mp4"), data=b"x") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_any_page_may_read_media(origin: Origin) -> None:
    async with origin.client.get(origin.media("aac-64k/1.m4s")) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = response.headers["Access-Control-Expose-Headers"]
        names = {"Content-Length", "Content-Range", "ETag", "RateLimit", "X-Request-Id"}
        assert names <= set(exposed.split(", "))
    headers = {
        "Origin": "https://player.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    async with origin.client.options(origin.media("aac-64k.mp4"), headers=headers) as response:
        assert response.status == 204
        allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert {"authorization", "content-type", "range"} <= set(allowed)
        assert response.headers["Access-Control-Max-Age"] == "86400"

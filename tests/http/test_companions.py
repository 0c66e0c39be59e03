"""Lyrics, pictures and plain downloads beside a track, over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import m3u8
import pytest
from lxml import etree

from catalog import rights
from catalog.publish import unpublish
from catalog.records import RightsRecord
from packager import digests, index
from packager.model import Download, Picture
from packager.text.lyrics import Line, Lyrics
from packager.text.track import TextFiles, make
from storage.naming import PACKAGE_INDEX, cover_object, track_object
from tests.http.conftest import Origin
from tests.http.test_connection import answered
from tests.http.test_connection import get as get_line
from tests.http.test_wire import Connection
from tests.support import house as houses
from tests.support.house import House
from tests.support.masters import picture

PICTURES = {(96, 96): picture(96, 96), (320, 320): picture(320, 320)}
DOWNLOADS = {"standard": bytes(range(256)) * 10_000, "premium": b"premium" * 1000}
ALL = "standard-premium-lossless"


def texts(house: House) -> tuple[TextFiles, ...]:
    lines = (Line("one", 1_000, 3_000), Line("two", 5_000))
    made = (
        make(Lyrics(lines, "en", is_synced=True), house.package.renditions[0]),
        make(Lyrics((Line("eins"),), "de", is_synced=False), house.package.renditions[0]),
    )
    return tuple(one for one in made if one)


@pytest.fixture
def house(built_house: House, tmp_path: Path) -> House:
    """The house, its first track with everything that can lie beside the music."""
    house = houses.copy(built_house, tmp_path / "house")
    sizes = [
        Picture(*size, len(data), hashlib.sha256(data).hexdigest())
        for size, data in PICTURES.items()
    ]
    package = replace(
        house.package,
        lyrics=tuple(one.track for one in texts(house)),
        pictures=tuple(sizes),
        downloads=tuple(
            Download(tier, "mp3", 128_000, len(data), sha256, parts)
            for tier, data in DOWNLOADS.items()
            for parts, sha256 in [digests.of_plain(BytesIO(data))]
        ),
    )
    objects = {
        **{cover_object(one.sha256, one.ending): PICTURES[one.width, one.height] for one in sizes},
        **{_key(one.track.file): one.whole for one in texts(house)},
        **{_key(one.track.segment_file): one.segments for one in texts(house) if one.segments},
        **{_key(one.file): DOWNLOADS[one.tier] for one in package.downloads},
        _key(PACKAGE_INDEX): index.encode(package),
    }
    for key, data in objects.items():
        path = house.root / "storage" / key
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
    return replace(house, package=package)


def _key(file: str) -> str:
    return track_object(houses.TRACK, houses.REVISION, file)


async def playback(origin: Origin, subscription: str = "premium") -> Any:
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=origin.access(subscription)) as response:
        assert response.status == 200
        return await response.json()


async def get(origin: Origin, url: str, status: int = 200, **headers: str) -> bytes:
    async with origin.client.get(url, headers=headers) as response:
        assert response.status == status, await response.text()
        return await response.read()


async def test_the_second_listener_is_answered_from_memory(origin: Origin) -> None:
    connection = await Connection.open(origin)
    target = origin.media("lyrics-en.vtt", "standard").removeprefix(origin.url)
    for _ in range(3):
        await connection.send(get_line(target))
        assert (await connection.answer()).body == texts(origin.house)[0].whole
    assert answered(origin) == 1
    await connection.close()


async def test_the_playback_answer_says_where_they_are(origin: Origin) -> None:
    answer = await playback(origin, "free")
    assert [(one["language"], one["synced"]) for one in answer["lyrics"]] == [
        ("en", True),
        ("de", False),
    ]
    english, german = texts(origin.house)
    assert await get(origin, answer["lyrics"][0]["url"]) == english.whole
    assert await get(origin, answer["lyrics"][1]["url"]) == german.whole
    for one in answer["covers"]:
        assert await get(origin, one["url"]) == PICTURES[one["width"], one["height"]]
    assert answer["downloads"] == []


@pytest.mark.parametrize(
    ("file", "content_type"),
    [
        ("lyrics-en.vtt", "text/vtt; charset=utf-8"),
        ("segments-en.vtt", "text/vtt; charset=utf-8"),
        ("lyrics-de.txt", "text/plain; charset=utf-8"),
        ("cover-96x96.jpg", "image/jpeg"),
        ("covers.json", "application/json"),
        ("no-lyrics.vtt", "text/vtt; charset=utf-8"),
    ],
)
async def test_types_and_conditions(origin: Origin, file: str, content_type: str) -> None:
    url = origin.media(file, "standard")
    async with origin.client.get(url) as response:
        assert response.headers["Content-Type"] == content_type
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        etag = response.headers["ETag"]
        body = await response.read()
    assert await get(origin, url, 304, **{"If-None-Match": etag}) == b""
    assert await get(origin, url, 206, Range="bytes=1-3") == body[1:4]


async def test_hls_leads_to_the_segments(origin: Origin) -> None:
    url = origin.media(f"{ALL}/hls/multivariant.m3u8")
    variants = m3u8.loads((await get(origin, url)).decode(), uri=url)
    (text,) = [one for one in variants.media if one.type == "SUBTITLES"]
    text_url = urljoin(url, text.uri)
    playlist = m3u8.loads((await get(origin, text_url)).decode())
    english, _ = texts(origin.house)
    for _ in range(2):  # read, then remembered
        for segment, part in zip(playlist.segments, english.track.segments, strict=True):
            size, offset = map(int, segment.byterange.split("@"))
            span = f"bytes={offset}-{offset + size - 1}"
            data = await get(origin, urljoin(text_url, segment.uri), 206, Range=span)
            assert data == english.segments[part.span.start : part.span.end]
            assert data.startswith(b"WEBVTT\n")


async def test_plain_text_has_no_playlist(origin: Origin) -> None:
    await get(origin, origin.media(f"{ALL}/hls/lyrics-de.m3u8"), 404)
    await get(origin, origin.media("segments-de.vtt"), 404)


async def test_manifests_lead_to_the_pictures_under_the_same_token(origin: Origin) -> None:
    url = origin.media(f"{ALL}/hls/multivariant.m3u8")
    (covers,) = [
        one
        for one in m3u8.loads((await get(origin, url)).decode()).session_data
        if one.data_id.endswith(".covers")
    ]
    list_url = urljoin(url, covers.uri)
    listed = json.loads(await get(origin, list_url))["covers"]
    assert [
        await get(origin, urljoin(list_url, one["url"])) == PICTURES[one["width"], one["height"]]
        for one in listed
    ] == [True, True]
    url = origin.media(f"{ALL}/dash/manifest.mpd")
    tree = etree.fromstring(await get(origin, url))
    thumbnails = list(tree.iter("{http://search.yahoo.com/mrss/}thumbnail"))
    assert len(thumbnails) == len(PICTURES)
    for one in thumbnails:
        await get(origin, urljoin(url, one.get("url") or ""))
    mpd = "{urn:mpeg:dash:schema:mpd:2011}"
    (text,) = [one for one in tree.iter(f"{mpd}AdaptationSet") if one.get("lang") == "en"]
    base = text.findtext(f"{mpd}Representation/{mpd}BaseURL") or ""
    assert await get(origin, urljoin(url, base)) == texts(origin.house)[0].whole


async def test_another_tracks_token_opens_none_of_it(origin: Origin) -> None:
    token = houses.playback_token(origin.deps, scope=f"tracks/{houses.OTHER_TRACK}/")
    for file in ("lyrics-en.vtt", "cover-96x96.jpg", "covers.json"):
        key = _key(file)
        await get(origin, f"{origin.url}/v1/t/{token}/{key}", 403)


async def test_a_takedown_binds(origin: Origin, unknown_s: float) -> None:
    files = ("lyrics-en.vtt", "segments-en.vtt", "cover-96x96.jpg", "covers.json")
    urls = [origin.media(file) for file in files]
    for url in urls:
        await get(origin, url)
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))
    await asyncio.sleep(unknown_s)
    for url in urls:
        await get(origin, url, 404)


@pytest.mark.parametrize("file", ["lyrics-fr.vtt", "cover-97x97.jpg", "download-lossless.mp3"])
async def test_what_the_package_has_not_is_not_found(origin: Origin, file: str) -> None:
    await get(origin, origin.media(file), 404)


async def test_downloads_are_not_served_unless_that_is_switched_on(origin: Origin) -> None:
    await get(origin, origin.media("download-standard.mp3"), 404)


@pytest.mark.parametrize("downloads", [True])
async def test_downloads_are_served_by_range_to_their_tier(origin: Origin) -> None:
    answer = await playback(origin, "free")
    (listed,) = answer["downloads"]
    data = DOWNLOADS["standard"]
    assert (listed["tier"], listed["format"], listed["size"]) == ("standard", "mp3", len(data))
    origin.watch.calls.clear()
    async with origin.client.get(listed["url"]) as response:
        assert await response.content.readexactly(1 << 20) == data[: 1 << 20]
        read = [key for operation, key in origin.watch.calls if operation == "get"]
        assert len(read) <= 2  # not the whole of it, before anybody got a byte
        assert await response.read() == data[1 << 20 :]
    part = await get(origin, listed["url"], 206, Range="bytes=1048570-1048585")
    assert part == data[1048570:1048586]
    async with origin.client.head(listed["url"]) as response:
        assert response.headers["Content-Type"] == "audio/mpeg"
        assert response.headers["Content-Length"] == str(len(data))
    premium = listed["url"].replace("download-standard", "download-premium")
    await get(origin, premium, 403)
    assert [one["tier"] for one in (await playback(origin))["downloads"]] == [
        "standard",
        "premium",
    ]


@pytest.mark.parametrize("downloads", [True])
async def test_rights_without_offline_allow_no_downloads(origin: Origin) -> None:
    record = RightsRecord(houses.TRACK, (), offline=False, updated_at=datetime.now(UTC))
    async with origin.deps.catalog.begin() as tx:
        await rights.put(tx, record)
    answer = await playback(origin)
    for one in answer["downloads"]:
        problem = json.loads(await get(origin, one["url"], 403))
        assert problem["reason"] == "offline-not-licensed"
    for one in answer["lyrics"]:
        await get(origin, one["url"])
        await get(origin, one["url"])  # and as it is remembered

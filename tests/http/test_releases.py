"""A release as one piece: its manifests, and what its token opens."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urljoin

import aiohttp
import pytest
from lxml import etree

from catalog import keys
from catalog.errors import CatalogUnavailable
from catalog.publish import embargo, unpublish
from origin.problems import Missing
from tests.http.conftest import Origin
from tests.support import house as houses

NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}
TRACKS = (houses.TRACK, houses.OTHER_TRACK)


async def playback(origin: Origin, subscription: str = "premium") -> dict[str, Any]:
    url = f"{origin.url}/api/v1/playback/releases/{houses.RELEASE}"
    async with origin.client.post(url, headers=origin.access(subscription)) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def fetch(origin: Origin, url: str, **headers: str) -> aiohttp.ClientResponse:
    async with origin.client.get(url, headers=headers) as response:
        await response.read()
        return response


async def kids(origin: Origin, track: str, revision: str = houses.REVISION) -> list[bytes]:
    async with origin.deps.catalog.connect() as tx:
        return [one.kid for one in await keys.for_revision(tx, track, revision)]


async def licensed(origin: Origin, license_url: str, wanted: list[bytes]) -> int:
    names = [urlsafe_b64encode(kid).rstrip(b"=").decode() for kid in wanted]
    async with origin.client.post(license_url, data=json.dumps({"kids": names})) as response:
        return len((await response.json(content_type=None)).get("keys", []))


async def test_the_answer_lists_the_tracks_with_their_times(origin: Origin) -> None:
    answer = await playback(origin)

    assert (answer["title"], answer["release_id"]) == ("Dawn", houses.RELEASE)
    assert [one["track_id"] for one in answer["tracks"]] == list(TRACKS)
    first, second = answer["tracks"]
    assert (first["start_s"], second["start_s"]) == (0.0, first["duration_s"])
    assert answer["duration_s"] == pytest.approx(first["duration_s"] + second["duration_s"])
    assert {one["name"] for one in answer["renditions"]} == {"aac-64k", "aac-320k", "flac"}


async def test_everything_in_the_mpd_opens_under_its_token(origin: Origin) -> None:
    answer = await playback(origin)
    response = await fetch(origin, answer["dash"])
    assert response.content_type == "application/dash+xml"
    tree = etree.fromstring((await response.text()).encode())

    periods = tree.findall("d:Period", NS)
    assert [one.get("id") for one in periods] == list(TRACKS)
    for element in tree.iterfind(".//d:BaseURL", NS):
        media = await fetch(origin, urljoin(answer["dash"], element.text or ""), Range="bytes=0-99")
        assert media.status == 206


@pytest.mark.parametrize("form", ["hls", "hls_identity"])
async def test_everything_in_the_playlists_opens_under_its_token(origin: Origin, form: str) -> None:
    answer = await playback(origin)
    multivariant = await (await fetch(origin, answer[form])).text()
    names = [line for line in multivariant.splitlines() if line.endswith(".m3u8")]
    assert len(names) == 3
    for name in names:
        url = urljoin(answer[form], name)
        text = await (await fetch(origin, url)).text()
        assert text.count("#EXT-X-DISCONTINUITY") == 1
        uris = set(re.findall(r'URI="(\.\./[^"]+)"', text))
        assert len(uris) == 4  # a header and a key for each track
        for uri in uris:
            assert (await fetch(origin, urljoin(url, uri))).status == 200


async def test_the_chapters_are_under_the_same_token(origin: Origin) -> None:
    answer = await playback(origin)
    url = urljoin(answer["hls"], "chapters.json")
    async with origin.client.get(url) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        chapters = await response.json()
    assert [one["start-time"] for one in chapters] == [one["start_s"] for one in answer["tracks"]]
    assert (await fetch(origin, urljoin(answer["dash"], "chapters.json"))).status == 404


async def test_a_segment_is_hot_for_the_track_and_its_release(origin: Origin) -> None:
    """Both tokens open the same path, whoever came first."""
    answer = await playback(origin)
    rest = f"tracks/{houses.TRACK}/{houses.REVISION}/flac/1.m4s"
    own = houses.playback_token(origin.deps)
    for token in (own, answer["token"], answer["token"], own):
        assert (await fetch(origin, f"{origin.url}/v1/t/{token}/{rest}")).status == 200


async def test_the_license_has_the_keys_of_every_track(origin: Origin) -> None:
    answer = await playback(origin)
    wanted = [*await kids(origin, houses.TRACK), *await kids(origin, houses.OTHER_TRACK)]

    assert await licensed(origin, answer["license"], wanted) == 6


async def test_tiers_bind_in_a_release(origin: Origin) -> None:
    answer = await playback(origin, "free")
    wanted = [*await kids(origin, houses.TRACK), *await kids(origin, houses.OTHER_TRACK)]

    assert await licensed(origin, answer["license"], wanted) == 2
    media = f"{origin.url}/v1/t/{answer['token']}/tracks/{houses.TRACK}/{houses.REVISION}"
    assert (await fetch(origin, f"{media}/aac-64k.mp4")).status == 200
    assert (await fetch(origin, f"{media}/flac.mp4")).status == 403
    more = answer["dash"].replace("/standard/", "/standard-premium-lossless/")
    assert (await fetch(origin, more)).status == 403


async def test_another_releases_token_opens_nothing(origin: Origin) -> None:
    answer = await playback(origin)
    token = houses.playback_token(origin.deps, scope=f"releases/{'r' + 'd5' * 10}/")
    wanted = await kids(origin, houses.TRACK)
    places = [
        f"tracks/{houses.TRACK}/{houses.REVISION}/flac/1.m4s",
        f"tracks/{houses.TRACK}/{houses.REVISION}/keys/{wanted[0].hex()}",
        answer["dash"].split(answer["token"] + "/")[1],
    ]
    for place in places:
        # A first answer to the right token must not open the way for the wrong one.
        right = await fetch(origin, f"{origin.url}/v1/t/{answer['token']}/{place}")
        wrong = await fetch(origin, f"{origin.url}/v1/t/{token}/{place}")
        assert (right.status, wrong.status) == (200, 403)
    assert await licensed(origin, f"{origin.url}/license/clearkey?token={token}", wanted) == 0


async def test_a_tracks_token_does_not_open_its_release(origin: Origin) -> None:
    answer = await playback(origin)
    token = houses.playback_token(origin.deps)

    response = await fetch(origin, answer["dash"].replace(answer["token"], token))

    assert response.status == 403


async def test_a_takedown_makes_another_edition(origin: Origin, unknown_s: float) -> None:
    before = await playback(origin)
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.OTHER_TRACK, datetime.now(UTC))
    await asyncio.sleep(unknown_s)

    after = await playback(origin)

    assert [one["track_id"] for one in after["tracks"]] == [houses.TRACK]
    assert after["edition"] != before["edition"]
    gone = await fetch(origin, before["dash"])
    assert (gone.status, (await gone.json(content_type=None))["reason"]) == (
        404,
        "edition-not-found",
    )
    assert await licensed(origin, before["license"], await kids(origin, houses.OTHER_TRACK)) == 0


async def test_a_catalog_that_is_away_brings_no_takedown_back(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("origin.editions._TTL_S", 0.0)
    editions = origin.state.entitlements.editions
    assert len((await editions.get(houses.RELEASE)).tracks) == 2
    async with origin.deps.catalog.begin() as tx:
        for track in TRACKS:
            await unpublish(tx, track, datetime.now(UTC))
    with pytest.raises(Missing):
        await editions.get(houses.RELEASE)

    def away(**_: object) -> NoReturn:
        raise CatalogUnavailable("away")

    monkeypatch.setattr(origin.deps.catalog, "connect", away)
    with pytest.raises(Missing):
        await editions.get(houses.RELEASE)


async def test_a_release_that_is_not_out_is_as_unknown(origin: Origin) -> None:
    now = datetime.now(UTC)
    async with origin.deps.catalog.begin() as tx:
        for track in TRACKS:
            await embargo(tx, track, now + timedelta(days=1), now)
    bodies = []
    for release in (houses.RELEASE, "r" + "z7" * 10):
        url = f"{origin.url}/api/v1/playback/releases/{release}"
        async with origin.client.post(url, headers=origin.access()) as response:
            assert response.status == 404
            bodies.append(await response.read())
    assert bodies[0] == bodies[1]

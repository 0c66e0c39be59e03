"""What the player page reads of the catalog."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog import popularity
from catalog.publish import edit, embargo, unpublish
from configs.settings import ApiSettings
from origin import remembered
from origin.api.openapi import document
from origin.api.problem import ProblemDetails
from origin.routes.openapi import ENDPOINTS
from tests.http.conftest import Origin
from tests.support import house as houses


async def test_releases_with_a_signed_cover(origin: Origin) -> None:
    async with origin.client.get(
        f"{origin.url}/api/v1/releases", headers=origin.access("free")
    ) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "private, no-cache"
        answer = await response.json()
    (release,) = answer["releases"]
    assert answer["next"] is None
    assert (release["release_id"], release["title"]) == (houses.RELEASE, "Dawn")
    async with origin.client.get(release["cover"]) as response:
        assert response.status == 200
        assert await response.read() == houses.COVER
    async with origin.client.get(
        f"{origin.url}/api/v1/releases", headers=origin.access("free")
    ) as response:
        assert (await response.json())["releases"][0]["cover"] == release["cover"]


async def require_whole_release(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/releases/{houses.RELEASE}"
    async with origin.client.get(url, headers=origin.access()) as response:
        answer = await response.json()
    assert [one["track_id"] for one in answer["tracks"]] == [houses.TRACK, houses.OTHER_TRACK]
    assert answer["track_count"] == 2


async def test_a_release_lists_its_tracks_in_order(origin: Origin) -> None:
    await require_whole_release(origin)


async def test_pages_of_tracks(origin: Origin) -> None:
    found, after = [], ""
    while True:
        query = f"limit=1&after={after}" if after else "limit=1"
        async with origin.client.get(
            f"{origin.url}/api/v1/tracks?{query}", headers=origin.access()
        ) as response:
            answer = await response.json()
        found += [one["track_id"] for one in answer["tracks"]]
        after = answer["next"]
        if after is None:
            break
    assert sorted(found) == sorted([houses.TRACK, houses.OTHER_TRACK])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "after=" + "x" * 65]
)
async def test_odd_pages_are_refused(origin: Origin, query: str) -> None:
    async with origin.client.get(
        f"{origin.url}/api/v1/tracks?{query}", headers=origin.access()
    ) as response:
        assert response.status == 400


async def test_what_is_not_public_does_not_show(origin: Origin) -> None:
    async with origin.deps.catalog.begin() as tx:
        for track_id in (houses.TRACK, houses.OTHER_TRACK):
            await unpublish(tx, track_id, datetime.now(UTC))
    for path, status in (
        ("releases", 200),
        ("tracks", 200),
        (f"releases/{houses.RELEASE}", 404),
        (f"tracks/{houses.TRACK}", 404),
    ):
        async with origin.client.get(
            f"{origin.url}/api/v1/{path}", headers=origin.access()
        ) as response:
            assert response.status == status
            assert "First Light" not in await response.text()
            assert "Dawn" not in await response.text()


async def test_one_track(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/tracks/{houses.TRACK}"
    async with origin.client.get(url, headers=origin.access()) as response:
        answer = await response.json()
    assert (answer["title"], answer["artists"]) == ("First Light", ["The Testers"])


@pytest.mark.parametrize(
    "path", ["releases", "tracks", f"releases/{houses.RELEASE}", f"tracks/{houses.TRACK}"]
)
async def test_there_is_no_open_endpoint(origin: Origin, path: str) -> None:
    async with origin.client.get(f"{origin.url}/api/v1/{path}") as response:
        assert response.status == 401


async def test_only_the_fields_that_are_asked_for(origin: Origin) -> None:
    for path in ("tracks?fields=title,isrc&limit=1", f"tracks/{houses.TRACK}?fields=title,isrc"):
        async with origin.client.get(
            f"{origin.url}/api/v1/{path}", headers=origin.access()
        ) as response:
            assert response.status == 200
            answer = await response.json()
        (track,) = answer.get("tracks", [answer])
        assert track.keys() == {"track_id", "title", "isrc"}
    for fields in ("titel", "", "title,", "title&fields=isrc"):
        async with origin.client.get(
            f"{origin.url}/api/v1/tracks?fields={fields}", headers=origin.access()
        ) as response:
            assert response.status == 400
            (error,) = (await response.json(content_type=None))["errors"]
            assert error["name"] == "fields"


async def test_what_has_not_changed_is_not_sent_again(origin: Origin) -> None:
    url, who = f"{origin.url}/api/v1/tracks/{houses.TRACK}", origin.access()
    async with origin.client.get(url, headers=who) as response:
        etag = response.headers["ETag"]
    async with origin.client.get(url, headers={**who, "If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["ETag"] == etag
    async with origin.client.get(url, headers={**who, "If-Match": '"other"'}) as response:
        assert response.status == 412
    async with origin.deps.catalog.begin() as tx:
        await edit(tx, houses.TRACK, {"title": "Second Light"}, datetime.now(UTC))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # what is remembered is of at most two seconds ago
        async with origin.client.get(url, headers={**who, "If-None-Match": etag}) as response:
            if response.status == 200:
                assert (await response.json())["title"] == "Second Light"
                break
        await asyncio.sleep(0.1)
    assert response.status == 200


async def test_pages_by_offset_tell_the_total(origin: Origin) -> None:
    for path, total in (("tracks", 2), ("releases", 1), (f"tracks?release={houses.RELEASE}", 2)):
        joint = "&" if "?" in path else "?"
        for offset, count in ((0, 1), (total - 1, 1), (total, 0)):
            url = f"{origin.url}/api/v1/{path}{joint}limit=1&offset={offset}"
            async with origin.client.get(url, headers=origin.access()) as response:
                answer = await response.json()
            assert answer["total"] == total
            assert len(next(iter(answer.values()))) == count


async def test_a_song_tells_of_its_release(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/songs/{houses.TRACK}"
    async with origin.client.get(url, headers=origin.access()) as response:
        answer = await response.json()
    assert (answer["title"], answer["release"]["title"]) == ("First Light", "Dawn")
    async with origin.client.get(answer["release"]["cover"]) as response:
        assert await response.read() == houses.COVER


@pytest.mark.parametrize(
    ("subscription", "quality", "tiers"),
    [
        ("premium", "low", ["standard"]),
        ("premium", "normal", ["standard", "premium"]),
        ("premium", "high", ["standard", "premium", "lossless"]),
        ("free", "high", ["standard"]),
    ],
)
async def test_a_song_streams_at_a_quality_of_what_is_opened(
    origin: Origin, subscription: str, quality: str, tiers: list[str]
) -> None:
    url = f"{origin.url}/api/v1/songs/{houses.TRACK}/stream?quality={quality}"
    async with origin.client.get(url, headers=origin.access(subscription)) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        answer = await response.json()
    assert answer["tiers"] == tiers
    assert {one["tier"] for one in answer["renditions"]} == set(tiers)
    for form in ("hls", "dash"):
        assert answer[form].startswith(f"{origin.url}/v1/t/{answer['token']}/")
        async with origin.client.get(answer[form]) as response:
            assert response.status == 200


async def asked(origin: Origin, path: str) -> Any:
    async with origin.client.get(
        f"{origin.url}/api/v1/{path}", headers=origin.access("free")
    ) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_search_finds_what_may_be_listened_to(origin: Origin) -> None:
    found = await asked(origin, "search?q=tesers%20first%20ligt")  # two mistakes
    assert {one["track_id"] for one in found["tracks"]} == {houses.TRACK, houses.OTHER_TRACK}
    found = await asked(origin, "search?q=daw")
    assert [one["title"] for one in found["releases"]] == ["Dawn"]
    found = await asked(origin, "search?q=tester&kind=artist&limit=1")
    assert [one["name"] for one in found["artists"]] == ["The Testers"]
    assert found["tracks"] == []
    now = datetime.now(UTC)
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, now)
        await embargo(tx, houses.OTHER_TRACK, now + timedelta(days=1), now)
    for query in ("search?q=light", "search?q=dawn", "search?q=testers"):
        assert await asked(origin, query) == {"tracks": [], "releases": [], "artists": []}
    assert await asked(origin, "autocomplete?q=fi") == {"suggestions": []}
    assert (await asked(origin, "trending"))["tracks"] == []
    assert (await asked(origin, "artists"))["artists"] == []


async def test_suggestions_are_names_each_once(origin: Origin) -> None:
    found = (await asked(origin, "autocomplete?q=fir"))["suggestions"]
    assert [(one["text"], one["kind"]) for one in found] == [("First Light", "track")]
    found = (await asked(origin, "autocomplete?q=the%20tes&limit=2"))["suggestions"]
    assert [(one["text"], one["kind"]) for one in found] == [
        ("The Testers", "artist"),
        ("Dawn", "release"),
    ]


async def test_an_artist_and_their_top_songs(origin: Origin) -> None:
    (artist,) = (await asked(origin, "artists?offset=0"))["artists"]
    assert (artist["name"], artist["track_count"]) == ("The Testers", 2)
    number = artist["artist_id"]
    assert await asked(origin, f"artists/{number}") == artist
    async with origin.deps.catalog.begin() as tx:
        await popularity.put(tx, {houses.TRACK: 3, houses.OTHER_TRACK: 7})
    for path in (f"artists/{number}/top-songs", "trending"):
        found = (await asked(origin, path))["tracks"]
        assert [one["track_id"] for one in found] == [houses.OTHER_TRACK, houses.TRACK]
    async with origin.client.get(
        f"{origin.url}/api/v1/artists/{number + 1}", headers=origin.access()
    ) as response:
        assert response.status == 404


class TestQuota:
    @pytest.fixture
    def terms(self) -> dict[str, Any]:
        return {"api": ApiSettings(rate_per_minute=3, rates={"premium": 5})}

    async def test_who_asks_too_often_is_told_when_to_ask_again(self, origin: Origin) -> None:
        for subscription, quota in (("free", 3), ("premium", 5)):
            answers = []
            token = origin.deps.access_tokens.mint(subscription, subscription, 60)
            for _ in range(quota + 1):
                async with origin.client.get(
                    f"{origin.url}/api/v1/tracks", headers={"Authorization": f"Bearer {token}"}
                ) as response:
                    answers.append((response.status, response.headers["RateLimit"][:13]))
            assert answers[0] == (200, f'"account";r={quota - 1}')
            assert answers[-1] == (429, '"account";r=0')
        for _ in range(4):
            async with origin.client.get(f"{origin.url}/api/v1/tracks") as response:
                status = response.status
                body = await response.read()
        assert status == 429
        assert int(response.headers["Retry-After"]) > 0
        # As the document says, which schemathesis weighs without quotas.
        operation = document(ENDPOINTS, origin.url)["paths"]["/api/v1/tracks"]["get"]
        assert list(operation["responses"]["429"]["content"]) == [response.content_type]
        ProblemDetails.model_validate_json(body, strict=True)
        async with origin.client.get(f"{origin.url}/readyz") as response:
            assert response.status == 200


class TestHaste:
    @pytest.fixture
    def terms(self) -> dict[str, Any]:
        return {"api": ApiSettings(rate_per_minute=0, timeout_s=1e-6)}

    async def test_what_takes_too_long_is_given_up(self, origin: Origin) -> None:
        async with origin.client.get(
            f"{origin.url}/api/v1/tracks", headers=origin.access()
        ) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "1"
            assert (await response.json(content_type=None))["reason"] == "too-slow"


async def test_the_document_of_the_api_is_of_this_host_and_revalidated(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/openapi.json"
    async with origin.client.get(url, headers={"Host": "music.example.com"}) as response:
        assert response.headers["Content-Type"] == "application/openapi+json"
        document = json.loads(await response.read())
        etag = response.headers["ETag"]
    assert document["openapi"] == "3.1.1"
    assert document["servers"] == [{"url": "http://music.example.com"}]
    again = {"Host": "music.example.com", "If-None-Match": etag}
    async with origin.client.get(url, headers=again) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with origin.client.get(url, headers={"If-None-Match": etag}) as response:
        assert response.status == 200  # another host's


async def test_a_release_is_whole_however_long_it_is(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "LARGEST_PAGE", 1)
    await require_whole_release(origin)


async def test_completions_that_are_typed_alike_are_remembered_once(origin: Origin) -> None:
    cache = origin.state.remembered
    found = [await cache.completed(typed, 5) for typed in ("First", "FIRST", " first", "fírst")]
    assert found[0]
    assert set(found) == {found[0]}
    assert len(origin.state.metadata.memory) == 1
    await cache.completed("first ", 5)  # the word has ended
    assert len(origin.state.metadata.memory) == 2

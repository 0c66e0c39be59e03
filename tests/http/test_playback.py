"""The playback answer."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from catalog import plays
from catalog.publish import embargo
from configs.settings import OriginSettings
from tests.http.conftest import Origin
from tests.support import house as houses

URL = f"/api/v1/playback/{houses.TRACK}"


async def test_its_urls_open_what_the_subscription_opens(origin: Origin) -> None:
    for subscription, tiers in (("free", ["standard"]), ("premium", list(houses.TIERS.order))):
        async with origin.client.post(
            origin.url + URL, headers=origin.access(subscription)
        ) as response:
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
            answer = await response.json()
        assert answer["tiers"] == tiers
        assert {one["tier"] for one in answer["renditions"]} == set(tiers)
        for form in ("hls", "hls_identity", "dash"):
            assert answer[form].startswith(f"{origin.url}/v1/t/{answer['token']}/")
            async with origin.client.get(answer[form]) as response:
                assert response.status == 200
        kids = [
            urlsafe_b64encode(origin.house.keys[tier].kid.value)[:22].decode() for tier in tiers
        ]
        async with origin.client.post(
            answer["license"], data=json.dumps({"kids": kids})
        ) as response:
            assert response.status == 200
            assert len((await response.json())["keys"]) == len(tiers)


async def test_what_it_says_of_the_track(origin: Origin) -> None:
    async with origin.client.post(origin.url + URL, headers=origin.access()) as response:
        answer = await response.json()
    package = origin.house.package
    assert (answer["track_id"], answer["revision"]) == (houses.TRACK, houses.REVISION)
    assert answer["title"] == package.title
    assert answer["artists"] == [package.artist]
    assert answer["loudness"] == {
        "integrated_lufs": -14.0,
        "range_lu": 6.0,
        "true_peak_dbtp": -1.0,
    }
    assert answer["album_loudness"] == {
        "integrated_lufs": -14.0,
        "range_lu": 0.0,
        "true_peak_dbtp": -1.0,
    }
    assert answer["duration_s"] == pytest.approx(9.0, abs=0.1)
    expires = datetime.fromisoformat(answer["expires_at"])
    assert timedelta(0) < expires - datetime.now(UTC) <= timedelta(seconds=600)
    for one, rendition in zip(answer["renditions"], package.renditions, strict=True):
        assert one["name"] == rendition.name
        assert one["gapless"]["samples"] == rendition.trim.samples
        assert one["gapless"]["delay"] == rendition.trim.delay


async def test_every_call_makes_a_token_that_lasts(origin: Origin) -> None:
    """The renewal: the second answer's token serves the same bytes, and it ends later."""
    answers = []
    for _ in range(2):
        async with origin.client.post(origin.url + URL, headers=origin.access()) as response:
            answers.append(await response.json())
    assert answers[0]["expires_at"] <= answers[1]["expires_at"]
    assert answers[0]["revision"] == answers[1]["revision"]


async def test_a_song_that_is_begun_is_counted_once_and_waits_for_the_catalog(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What popularity is made of; the tracks' keys have no part in it."""
    monkeypatch.setattr("origin.play_counts._EVERY_S", 0.01)

    async def play(url: str, who: str) -> None:
        token = origin.deps.access_tokens.mint(who, "premium", 60)
        async with origin.client.post(
            origin.url + url, headers={"Authorization": f"Bearer {token}"}
        ) as response:
            assert response.status == 200

    async def rename(name: str, other: str) -> None:
        async with origin.deps.catalog.begin() as tx:
            await tx.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {other}")

    async def counted() -> dict[str, int]:
        async with origin.deps.catalog.connect() as tx:
            return {one.track_id: one.plays for one in await plays.page(tx, 0, None, 9)}

    await play(URL, "ada")
    while await counted() != {houses.TRACK: 1}:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    await rename("plays", "gone")  # a catalog that takes nothing
    await play(URL, "ada")  # in another session, and soon: nobody makes it popular alone
    await play(URL, "grace")
    async with origin.client.get(
        f"{origin.url}/api/v1/songs/{houses.TRACK}/stream", headers=origin.access()
    ) as response:
        assert response.status == 200
    await asyncio.sleep(0.1)  # some tries
    await rename("gone", "plays")
    await play(f"/api/v1/playback/releases/{houses.RELEASE}", "eve")
    await origin.state.plays.close()
    found = await counted()
    assert found.pop(houses.TRACK) == 4
    assert set(found.values()) == {1}  # the release's other track


async def test_nobody_gets_it_without_an_access_token(origin: Origin) -> None:
    playback = houses.playback_token(origin.deps)
    for headers, reason in (
        ({}, "token-missing"),
        ({"Authorization": "Basic eDp5"}, "token-missing"),
        ({"Authorization": "Bearer x"}, "token-invalid"),
        ({"Authorization": f"Bearer {playback}"}, "token-invalid"),
    ):
        async with origin.client.post(origin.url + URL, headers=headers) as response:
            assert response.status == 401
            assert (await response.json(content_type=None))["reason"] == reason
    async with origin.client.post(origin.url + URL, headers=origin.access("gold")) as response:
        assert response.status == 403
        assert (await response.json(content_type=None))["reason"] == "unknown-subscription"


async def test_unknown_and_embargoed_tracks(origin: Origin) -> None:
    now = datetime.now(UTC)
    async with origin.deps.catalog.begin() as tx:
        await embargo(tx, houses.TRACK, now + timedelta(days=1), now)
    bodies = []
    for track in ("t" + "z7" * 10, houses.TRACK):
        async with origin.client.post(
            f"{origin.url}/api/v1/playback/{track}", headers=origin.access()
        ) as response:
            assert response.status == 404
            bodies.append(await response.read())
    assert bodies[0] == bodies[1]
    async with origin.client.post(
        f"{origin.url}/api/v1/playback/nonsense", headers=origin.access()
    ) as response:
        assert response.status == 404


async def test_a_forwarded_host_is_believed_from_nobody(origin: Origin) -> None:
    headers = {
        **origin.access(),
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
    }
    async with origin.client.post(origin.url + URL, headers=headers) as response:
        assert (await response.json())["hls"].startswith(origin.url)


class TestBehindAProxy:
    @pytest.fixture
    def settings(self) -> OriginSettings:
        return OriginSettings(port=0, shutdown_grace_s=1, trusted_proxies=("127.0.0.0/8",))

    async def test_the_proxys_word_counts(self, origin: Origin) -> None:
        headers = {
            **origin.access(),
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "spoofed.example, music.example",
        }
        async with origin.client.post(origin.url + URL, headers=headers) as response:
            answer = await response.json()
        assert answer["hls"].startswith("https://music.example/v1/t/")
        assert answer["license"].startswith("https://music.example/license/clearkey?token=")

    async def test_what_is_no_host_is_refused(self, origin: Origin) -> None:
        headers = {**origin.access(), "X-Forwarded-Host": "a/b"}
        async with origin.client.post(origin.url + URL, headers=headers) as response:
            assert response.status == 400


class TestPublicUrl:
    @pytest.fixture
    def settings(self) -> OriginSettings:
        return OriginSettings(port=0, shutdown_grace_s=1, public_url="https://cdn.example/music")

    async def test_the_public_url_stands_in_front(self, origin: Origin) -> None:
        async with origin.client.post(origin.url + URL, headers=origin.access()) as response:
            answer = await response.json()
        for form in ("hls", "dash", "license"):
            assert answer[form].startswith("https://cdn.example/music/")

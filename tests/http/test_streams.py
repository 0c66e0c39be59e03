"""Streams of an account: counted, renewed, freed by their end and by time."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog import streams
from drm.terms import account_of
from drm.tiers import Tiers
from tests.http.conftest import Origin
from tests.support import house as houses

TTL_S = 2
SUBSCRIPTIONS = ("free", "premium", "trial")


@pytest.fixture
def terms() -> dict[str, Any]:
    return {
        "tiers": Tiers(houses.TIERS.order, dict.fromkeys(SUBSCRIPTIONS, ("standard",))),
        "streams": {"free": 1, "premium": 2},
        "stream_ttl_s": TTL_S,
    }


def headers(origin: Origin, who: str, subscription: str = "free") -> dict[str, str]:
    token = origin.deps.access_tokens.mint(who, subscription, 600)
    return {"Authorization": f"Bearer {token}"}


async def play(
    origin: Origin,
    who: str,
    session: str | None = None,
    *,
    subscription: str = "free",
    what: str = houses.TRACK,
) -> tuple[int, dict[str, Any]]:
    url = f"{origin.url}/api/v1/playback/{what}"
    data = None if session is None else json.dumps({"session": session})
    async with origin.client.post(
        url, headers=headers(origin, who, subscription), data=data
    ) as response:
        return response.status, await response.json(content_type=None)


async def licensed(origin: Origin, answer: dict[str, Any]) -> int:
    kid = urlsafe_b64encode(origin.house.keys["standard"].kid.value).rstrip(b"=").decode()
    async with origin.client.post(answer["license"], data=json.dumps({"kids": [kid]})) as response:
        return response.status


async def lease(origin: Origin, who: str, session: str) -> datetime | None:
    async with origin.deps.catalog.connect() as tx:
        found = await streams.look(tx, account_of(who), session, datetime.now(UTC))
    return found.until


async def test_so_many_as_the_subscription_allows(origin: Origin) -> None:
    status, first = await play(origin, "ada")
    assert status == 200
    assert len(first["session"]) == 12
    assert first["renew_within_s"] == TTL_S
    status, problem = await play(origin, "ada")
    assert (status, problem["reason"]) == (403, "too-many-streams")
    assert (await play(origin, "bob"))[0] == 200
    found = [(await play(origin, "cleo", subscription="premium"))[0] for _ in range(3)]
    assert found == [200, 200, 403]


async def test_what_a_player_asks_for_under_its_session_is_one_stream(origin: Origin) -> None:
    _, first = await play(origin, "ada", "chosen-by-me")
    assert first["session"] == "chosen-by-me"
    for what in (houses.OTHER_TRACK, houses.TRACK, f"releases/{houses.RELEASE}"):
        assert (await play(origin, "ada", "chosen-by-me", what=what))[0] == 200
    assert await licensed(origin, first) == 200


async def test_the_end_of_a_stream_frees_its_place_at_once(origin: Origin) -> None:
    _, first = await play(origin, "ada")
    place = f"{origin.url}/api/v1/playback/sessions/{first['session']}"
    async with origin.client.delete(place, headers=headers(origin, "bob")) as response:
        assert response.status == 204  # of bob's own streams, there is none of that name
    assert (await play(origin, "ada"))[0] == 403
    async with origin.client.delete(place, headers=headers(origin, "ada")) as response:
        assert response.status == 204
    assert (await play(origin, "ada"))[0] == 200
    assert await licensed(origin, first) == 403
    async with origin.client.delete(place) as response:
        assert response.status == 401


async def test_a_crash_frees_its_place_in_time_and_licenses_keep_it(origin: Origin) -> None:
    _, first = await play(origin, "ada")
    for _ in range(5):  # longer than the lease
        await asyncio.sleep(TTL_S / 4)
        assert await licensed(origin, first) == 200
        assert (await play(origin, "ada"))[0] == 403
    await asyncio.sleep(TTL_S + 0.1)
    assert (await play(origin, "ada"))[0] == 200
    assert await licensed(origin, first) == 403  # the place is another's now


async def test_segments_neither_ask_nor_renew(origin: Origin) -> None:
    _, first = await play(origin, "ada")
    before = await lease(origin, "ada", first["session"])
    await asyncio.sleep(TTL_S * 0.6)
    base = first["hls"].partition("/standard/")[0]
    for _ in range(3):
        async with origin.client.get(f"{base}/aac-64k/1.m4s") as response:
            assert response.status == 200
    assert await lease(origin, "ada", first["session"]) == before
    async with origin.client.get(first["hls"]) as response:
        assert response.status == 200
    after = await lease(origin, "ada", first["session"])
    assert before is not None
    assert after is not None
    assert after > before


async def test_without_a_limit_nothing_is_counted(origin: Origin) -> None:
    status, answer = await play(origin, "ada", "chosen-by-me", subscription="trial")
    assert status == 200
    assert (answer["session"], answer["renew_within_s"]) == ("chosen-by-me", None)
    assert await lease(origin, "ada", "chosen-by-me") is None


@pytest.mark.parametrize(
    "data", ["[]", "{", '{"session": 1}', '{"session": "short"}', '"x"', "[" * 1000, "\xff"]
)
async def test_a_malformed_session(origin: Origin, data: str) -> None:
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=headers(origin, "ada"), data=data) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["reason"] == "malformed-request"


async def test_of_many_that_begin_at_once_as_many_as_allowed(origin: Origin) -> None:
    answers = await asyncio.gather(
        *(play(origin, "ada", subscription="premium") for _ in range(12))
    )
    assert sorted(status for status, _ in answers) == [200] * 2 + [403] * 10

"""Rights by territory and window at playback, of tracks and of releases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from catalog import rights
from catalog.records import RightsRecord, WindowRecord
from configs.settings import OriginSettings
from tests.http.conftest import Origin
from tests.support import house as houses

GERMANY = WindowRecord("DE", None, None)


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(
        port=0,
        shutdown_grace_s=1.0,
        trusted_proxies=("127.0.0.1",),
        country_header="X-Country",
    )


async def put(
    origin: Origin, *windows: WindowRecord, owner: str = houses.TRACK, offline: bool = True
) -> None:
    record = RightsRecord(owner, windows, offline, datetime.now(UTC))
    async with origin.deps.catalog.begin() as tx:
        await rights.put(tx, record)


async def play(
    origin: Origin, country: str | None, what: str = houses.TRACK
) -> tuple[int, dict[str, Any]]:
    fields = origin.access() | ({} if country is None else {"X-Country": country})
    url = f"{origin.url}/api/v1/playback/{what}"
    async with origin.client.post(url, headers=fields) as response:
        return response.status, await response.json(content_type=None)


async def status(origin: Origin, url: str, country: str | None = None) -> int:
    fields = {} if country is None else {"X-Country": country}
    async with origin.client.get(url, headers=fields) as response:
        await response.read()
        return response.status


async def test_playback_is_refused_where_there_are_no_rights(origin: Origin) -> None:
    await put(origin, GERMANY)
    assert (await play(origin, "DE"))[0] == 200
    for country, reason in (("FR", "territory-not-licensed"), (None, "territory-unknown")):
        code, problem = await play(origin, country)
        assert (code, problem["reason"]) == (403, reason)


async def test_a_token_remembers_where_it_was_asked_for(origin: Origin) -> None:
    """For hosts that no CDN tells; where one does, that counts."""
    await put(origin, GERMANY)
    _, answer = await play(origin, "DE")
    assert await status(origin, answer["hls"]) == 200
    assert await status(origin, answer["hls"], "FR") == 403


async def test_a_token_does_not_outlast_the_window(origin: Origin) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=90)
    await put(origin, WindowRecord("*", None, end), owner=houses.RELEASE)
    for what in (houses.TRACK, f"releases/{houses.RELEASE}"):
        _, answer = await play(origin, None, what)
        assert datetime.fromisoformat(answer["expires_at"]) == end


async def test_a_release_is_what_may_be_had_of_it_there(origin: Origin) -> None:
    await put(origin, GERMANY, owner=houses.OTHER_TRACK)
    what = f"releases/{houses.RELEASE}"
    _, at_home = await play(origin, "DE", what)
    _, abroad = await play(origin, "FR", what)
    assert len(at_home["tracks"]) == 2
    assert [one["track_id"] for one in abroad["tracks"]] == [houses.TRACK]
    assert at_home["edition"] != abroad["edition"]
    async with origin.client.get(abroad["dash"], headers={"X-Country": "FR"}) as response:
        periods = etree.fromstring(await response.read()).findall("{*}Period")
    assert len(periods) == 1
    assert await status(origin, at_home["dash"], "DE") == 200
    assert await status(origin, at_home["dash"], "FR") == 404  # there it has another edition


async def test_a_release_of_which_nothing_may_be_had_says_why(origin: Origin) -> None:
    await put(origin, GERMANY, owner=houses.RELEASE)
    code, problem = await play(origin, "FR", f"releases/{houses.RELEASE}")
    assert (code, problem["reason"]) == (403, "territory-not-licensed")


async def test_headers_of_clients_are_not_believed(origin: Origin) -> None:
    await put(origin, GERMANY)
    fields = [("X-Country", "DE"), ("X-Country", "FR"), *origin.access().items()]
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=fields) as response:
        assert response.status == 403

"""CMCD over sockets: with requests, by query and by header, and as events that are posted."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from tests.http.conftest import Origin
from tests.support import house as houses
from tests.support.scrape import Scrape

EVENT = 'e=ps,sid="s1",sta=p,ts=1700000000000,v=2'


async def figures(origin: Origin) -> Scrape:
    await asyncio.sleep(0.4)  # until what was noted is read
    body, _ = await origin.state.monitor.scrape("")
    return Scrape(body.decode())


async def test_requests_by_query_and_by_header(origin: Origin) -> None:
    url = origin.media("aac-64k/1.m4s")
    report = quote('br=64,d=4000,sid="s",su')
    async with origin.client.get(f"{url}?CMCD={report}") as answer:
        assert answer.status == 200
    fields = {"CMCD-Object": "br=64,d=4000", "CMCD-Session": 'sid="s"', "CMCD-Status": "bs"}
    async with origin.client.get(url, headers={**fields, "CDN-Loop": "elsewhere"}) as answer:
        assert answer.status == 200
    async with origin.client.get(f"{url}?CMCD=%00") as answer:
        assert answer.status == 200
    found = await figures(origin)
    name = "headwater_qoe_media_seconds_total"
    assert found.of(name, rendition="aac-64k", cdn="none") == 4
    assert found.of(name, rendition="aac-64k", cdn="other") == 4
    assert found.of("headwater_cmcd_reports_total", mode="request", outcome="read") == 2
    assert found.of("headwater_cmcd_reports_total", mode="request", outcome="malformed") == 1


async def post(origin: Origin, token: str | None, body: str) -> int:
    query = "" if token is None else f"?token={token}"
    headers = {"Content-Type": "application/cmcd"}
    async with origin.client.post(
        f"{origin.url}/cmcd{query}", data=body, headers=headers
    ) as answer:
        return answer.status


async def test_events_of_who_was_let_in_are_counted(origin: Origin) -> None:
    token = houses.playback_token(origin.deps)
    assert await post(origin, token, f"{EVENT}\nnonsense=\n(\n") == 204
    assert await post(origin, houses.playback_token(origin.deps, ttl_s=-60), EVENT) == 204
    found = await figures(origin)
    assert found.of("headwater_cmcd_reports_total", mode="event", outcome="read") == 3
    assert found.of("headwater_cmcd_reports_total", mode="event", outcome="malformed") == 1


async def test_events_of_strangers_are_not(origin: Origin) -> None:
    token = houses.playback_token(origin.deps)
    assert await post(origin, None, EVENT) == 401
    assert await post(origin, token[:-3] + "AAA", EVENT) == 401
    assert await post(origin, token, f"{EVENT}\n" * 101) == 413
    assert await post(origin, token, "x" * (65 << 10)) == 413
    found = await figures(origin)
    assert found.of("headwater_cmcd_reports_total") == 0


async def test_the_playback_answer_says_where(origin: Origin) -> None:
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=origin.access()) as answer:
        reports = (await answer.json())["reports"]
    async with origin.client.post(reports, data=EVENT) as answer:
        assert answer.status == 204

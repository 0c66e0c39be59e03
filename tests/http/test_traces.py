"""Traces: what is sent to a collector, and what never is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from configs.settings import MonitoringSettings
from configs.telemetry import tracing
from pipeline.cli.traces import traces
from tests.http.conftest import Origin
from tests.support.otlp_collector import Collector, attributes, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Tracing is on in this process before the origin of the test starts."""
    with collecting() as found:
        end = tracing.begin(found.url, "headwater test", 1.0)
        yield found
        if tracing.is_on():
            end()


@pytest.fixture
async def traced_origin(collector: Collector, origin: Origin) -> Origin:
    return origin


async def test_a_request_is_a_span_with_its_parts_below(
    collector: Collector, traced_origin: Origin
) -> None:
    client = traced_origin.client
    parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": "r1"}
    url = traced_origin.media("aac-64k/1.m4s")
    async with client.get(url, headers=parent) as answer:
        assert answer.status == 200
    async with client.get(f"{traced_origin.url}/api/v1/tracks") as answer:
        assert answer.status == 401
    deadline = asyncio.get_running_loop().time() + 8
    while len(collector.named("GET")) < 2 and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a thread notes them
        await asyncio.sleep(0.1)
    media = next(one for one in collector.named("GET") if one.trace_id.hex() == TRACE)
    assert attributes(media) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "segment",
        "headwater.request": "r1",
        "url.path": f"/v1/t/-/{url.split('/', 6)[6]}",
    }
    reads = [one for one in collector.named("storage get") if one.parent_span_id == media.span_id]
    assert reads
    refused = next(one for one in collector.named("GET") if one.trace_id.hex() != TRACE)
    assert attributes(refused)["http.response.status_code"] == 401
    token = url.split("/")[5].encode()
    assert not any(token in body for body in collector.bodies)


async def test_without_a_collector_there_is_nothing() -> None:
    async with traces(MonitoringSettings(), "nothing"):
        assert not tracing.is_on()
        with tracing.span("nothing"):
            pass


async def test_the_last_spans_are_sent_at_the_end() -> None:
    with collecting() as collector:
        settings = MonitoringSettings(traces_url=collector.url, traces_ratio=1.0)
        async with traces(settings, "headwater test"):
            with pytest.raises(ValueError, match="secret"), tracing.span("job", job="j1"):
                raise ValueError("secret")
        assert not tracing.is_on()
        (span,) = collector.spans
        assert attributes(span) == {"job": "j1", "error.type": "ValueError"}
        assert not any(b"secret" in body for body in collector.bodies)

"""X-Request-Id: taken where it is sane, made where it is not, returned but for what caches keep."""

from __future__ import annotations

import logging

import pytest

from configs.telemetry.context import about
from tests.http.conftest import Origin

HEADER = "X-Request-Id"


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/tracks", "/nowhere", "/"])
async def test_a_sane_one_comes_back(origin: Origin, path: str) -> None:
    name = "Root=1-67891233-abcdef012345678912345678"
    async with origin.client.get(origin.url + path, headers={HEADER: name}) as answer:
        assert answer.headers.getall(HEADER) == [name]


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 65, "é", '"x"'])
async def test_another_is_made_anew(origin: Origin, given: str | None) -> None:
    headers = {} if given is None else {HEADER: given}
    names = set()
    for _ in range(2):
        async with origin.client.get(f"{origin.url}/healthz", headers=headers) as answer:
            (name,) = answer.headers.getall(HEADER)
            names.add(name)
    assert len(names) == 2
    assert given not in names


async def test_no_token_fits_into_one(origin: Origin) -> None:
    token = origin.media("x").split("/")[5]
    async with origin.client.get(f"{origin.url}/healthz", headers={HEADER: token}) as answer:
        assert answer.headers[HEADER] != token


async def test_what_caches_keep_has_none_and_refusals_have_one(origin: Origin) -> None:
    headers = {HEADER: "r1"}
    for _ in range(2):  # the second time by the short way
        async with origin.client.get(origin.media("aac-64k/1.m4s"), headers=headers) as answer:
            assert answer.status == 200
            assert HEADER not in answer.headers
    async with origin.client.get(origin.media("aac-64k/99.m4s"), headers=headers) as answer:
        assert (answer.status, answer.headers.getall(HEADER)) == (404, ["r1"])
    async with origin.client.post(f"{origin.url}/license/clearkey", headers=headers) as answer:
        assert (answer.status, answer.headers.getall(HEADER)) == (401, ["r1"])


async def test_the_log_says_which_request_it_was(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def note(_: logging.LogRecord) -> bool:
        seen.append(about().get("request"))
        return True

    caplog.handler.addFilter(note)
    with caplog.at_level(logging.INFO, "headwater.access"):
        async with origin.client.get(f"{origin.url}/healthz", headers={HEADER: "r7"}) as answer:
            await answer.read()
        async with origin.client.get(origin.media("x"), headers={HEADER: "r8"}) as answer:
            await answer.read()
    assert seen == ["r7", "r8"]

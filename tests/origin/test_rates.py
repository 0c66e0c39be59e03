"""Quotas: a sliding minute, by account and by address, in one worker and over Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis as Client

from drm.model import AccessToken
from origin import rates
from origin.rates import Counts, OwnCounts, Rates, SharedCounts, TooMany
from pipeline.cli.redis import open_redis
from tests.servers.redis import Redis

FREE = AccessToken("one", "free", datetime(2030, 1, 1, tzinfo=UTC))
PREMIUM = AccessToken("one", "premium", datetime(2030, 1, 1, tzinfo=UTC))


class Clock:
    """A time that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 60_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rates, "time", made)
    return made


@pytest.fixture(params=["own", pytest.param("redis", marks=pytest.mark.server)])
async def counts(request: pytest.FixtureRequest) -> AsyncIterator[Counts]:
    if request.param == "own":
        yield OwnCounts()
        return
    server: Redis = request.getfixturevalue("redis")
    server.clear()
    client = Client.from_url(server.url())
    yield SharedCounts(client)
    await client.aclose()


async def allowed(limits: Rates, tries: int) -> int:
    passed = 0
    for _ in range(tries):
        try:
            await limits.address("203.0.113.7")
        except TooMany:
            continue
        passed += 1
    return passed


async def test_a_quota_is_of_any_minute(counts: Counts, clock: Clock) -> None:
    limits = Rates(counts, 10, {})
    assert await allowed(limits, 15) == 10
    clock.now += 60  # a new count; what was before is still in the window, whole
    assert await allowed(limits, 5) == 0
    clock.now += 30
    assert await allowed(limits, 20) == 0  # five of before, and the five that were refused
    clock.now += 120
    assert await allowed(limits, 15) == 10


async def test_a_subscription_has_a_quota_of_its_own(counts: Counts, clock: Clock) -> None:
    limits = Rates(counts, 2, {"premium": 5})
    for left in (4, 3, 2, 1, 0):
        rate = await limits.account(PREMIUM)
        assert rate is not None
        assert rate.fields() == {
            "RateLimit-Policy": '"account";q=5;w=60',
            "RateLimit": f'"account";r={left};t=60',
        }
    with pytest.raises(TooMany) as refusal:
        await limits.account(PREMIUM)
    assert refusal.value.status == 429
    assert refusal.value.headers["Retry-After"] == "61"
    with pytest.raises(TooMany):
        await limits.account(FREE)  # the same account, whatever its token says


async def test_a_household_is_one_address(clock: Clock) -> None:
    limits = Rates(OwnCounts(), 2, {})
    await limits.address("2001:db8::1")
    await limits.address("2001:db8::2")
    with pytest.raises(TooMany):
        await limits.address("2001:db8:0:0:ffff::3")
    await limits.address("2001:db8:0:1::1")
    await limits.address("203.0.113.7")
    await limits.address("::ffff:203.0.113.7")
    with pytest.raises(TooMany):
        await limits.address("203.0.113.7")


async def test_no_quota_is_none(clock: Clock) -> None:
    limits = Rates(OwnCounts(), 0, {"premium": 1})
    assert await limits.account(PREMIUM) is None
    assert await limits.account(PREMIUM) is None


@pytest.mark.server
async def test_workers_count_together(redis: Redis, clock: Clock) -> None:
    redis.clear()
    clients = [Client.from_url(redis.url()) for _ in range(2)]
    workers = [Rates(SharedCounts(one), 10, {}) for one in clients]
    assert await allowed(workers[0], 6) + await allowed(workers[1], 6) == 10
    for one in clients:
        await one.aclose()


@pytest.mark.server
async def test_a_crowd_that_comes_at_once_is_counted_together(redis: Redis) -> None:
    redis.clear()
    async with open_redis(redis.url()) as client:
        assert client is not None
        counts = SharedCounts(client)
        await asyncio.gather(*(counts.add("crowd", 7) for _ in range(100)))
        assert await SharedCounts(client).add("crowd", 7) == (0, 101)


async def test_without_redis_each_counts_for_itself(clock: Clock) -> None:
    nowhere = Client(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    assert await allowed(Rates(SharedCounts(nowhere), 3, {}), 5) == 3
    await nowhere.aclose()

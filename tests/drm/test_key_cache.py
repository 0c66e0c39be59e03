"""Opened keys survive an outage of the key service, and are bounded in time and number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.records import WrappedKeyRecord
from drm.errors import KekAway, KekUnavailable, WrongKek
from drm.kek import KekVersions, Wrapped
from drm.kek_env import EnvKek
from drm.key_cache import FRESH_S, STALE_S, KeyCache
from drm.keyring import Keyring
from drm.model import KeyScope
from packager.model import Scheme

SCOPE = KeyScope("default", "t" + "a" * 20, "0" * 16, "standard", Scheme.CBCS)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Service(EnvKek):
    """A key service that can be away, or refuse."""

    def __init__(self) -> None:
        super().__init__("service", KekVersions("k", 1, {1: bytes(32)}))
        self.error: Exception | None = None
        self.asked = 0

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return await super().unwrap(wrapped, aad)


AWAY = KekAway("service", "no answer", "try again")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def keyring(service: Service, clock: Clock) -> Keyring:
    return Keyring(service, cache=KeyCache(clock=clock))


async def row(keyring: Keyring) -> WrappedKeyRecord:
    return await keyring.wrap(keyring.new_key(Scheme.CBCS), SCOPE)


async def test_a_fresh_key_is_not_asked_for_again(keyring: Keyring, service: Service) -> None:
    record = await row(keyring)
    assert await keyring.unwrap(record) == await keyring.unwrap(record)
    assert service.asked == 1


async def test_an_outage_of_15_minutes_stops_nobody(
    keyring: Keyring, service: Service, clock: Clock
) -> None:
    record = await row(keyring)
    key = await keyring.unwrap(record)
    clock.now += FRESH_S - 1  # the worst moment: about to be asked for again
    service.error = AWAY
    for _ in range(15 * 60 // 30):
        clock.now += 30
        assert await keyring.unwrap(record) == key
    assert service.asked == 2  # after the first failure the service is left alone for a while
    service.error = None
    clock.now += STALE_S
    assert await keyring.unwrap(record) == key


async def test_an_outage_does_not_last_for_ever(
    keyring: Keyring, service: Service, clock: Clock
) -> None:
    record = await row(keyring)
    await keyring.unwrap(record)
    service.error = AWAY
    clock.now += STALE_S
    with pytest.raises(KekAway):
        await keyring.unwrap(record)


async def test_a_refusal_is_no_outage(keyring: Keyring, service: Service, clock: Clock) -> None:
    record = await row(keyring)
    await keyring.unwrap(record)
    clock.now += FRESH_S
    service.error = KekUnavailable("service", "the key is disabled", "enable it")
    with pytest.raises(KekUnavailable):
        await keyring.unwrap(record)
    service.error = AWAY  # what was refused is forgotten
    with pytest.raises(KekAway):
        await keyring.unwrap(record)


async def test_an_altered_row_is_not_found_in_the_cache(keyring: Keyring) -> None:
    record = await row(keyring)
    await keyring.unwrap(record)
    for altered in (replace(record, tier="lossless"), replace(record, nonce=bytes(12))):
        with pytest.raises(WrongKek):
            await keyring.unwrap(altered)


async def test_a_key_that_nobody_opened_is_not_there_in_an_outage(
    keyring: Keyring, service: Service
) -> None:
    record = await row(keyring)
    service.error = AWAY
    with pytest.raises(KekAway):
        await keyring.unwrap(record)


async def test_the_oldest_go_first_by_number_and_by_time(keyring: Keyring, clock: Clock) -> None:
    cache = KeyCache(max_keys=3, clock=clock)
    records = [await row(keyring) for _ in range(5)]
    for record in records:
        clock.now += 1
        cache.put(record, await keyring.unwrap(record))
    assert [cache.fresh(record) is not None for record in records] == [
        False,
        False,
        True,
        True,
        True,
    ]
    clock.now += STALE_S
    cache.put(records[0], await keyring.unwrap(records[0]))
    assert len(cache) == 1

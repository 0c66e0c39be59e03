"""How often an account, or an address without one, may ask the API: a minute's sliding window.

Two counters for each: of this minute and of the one before, which counts for as much as of it is
still in the window. In Redis all workers count together; without it, and while it does not answer,
each counts for itself.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from drm.model import AccessToken
from drm.terms import account_of
from origin.cache import Cache
from origin.problems import OriginError
from origin.resting import Resting

_WINDOW_S = 60
_REMEMBERED = 65536  # accounts and addresses
_IPV6_PREFIX = 64  # bits: what one household has


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a quota."""

    policy: str  # "account" or "address"
    quota: int  # in a window
    left: int  # below 0: refused
    reset_s: int  # when the window's counter begins anew

    def fields(self) -> dict[str, str]:
        """The header fields of draft-ietf-httpapi-ratelimit-headers-10."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={_WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={max(0, self.left)};t={self.reset_s}',
        }


class TooMany(OriginError):
    """The quota is used up."""

    def __init__(self, rate: Rate) -> None:
        wait = {"Retry-After": str(rate.reset_s + 1)}
        detail = f"At most {rate.quota} requests in {_WINDOW_S} seconds."
        super().__init__(429, "too-many-requests", detail, headers={**rate.fields(), **wait})


class Counts(Protocol):
    """Counters that expire."""

    async def add(self, key: str, window: int) -> tuple[int, int]:
        """Count one more in a window; return that of the window before, and its own."""


class OwnCounts:
    """One worker's."""

    def __init__(self) -> None:
        self._counts: Cache[str, tuple[int, int, int]] = Cache(_REMEMBERED)

    async def add(self, key: str, window: int) -> tuple[int, int]:
        """Count one more."""
        at, before, count = self._counts.get(key) or (window, 0, 0)
        if at != window:
            before, count = (count if at == window - 1 else 0), 0
        self._counts.put(key, (window, before, count + 1))
        return before, count + 1


class SharedCounts:
    """Those of all workers, in Redis; one worker's while that does not answer."""

    def __init__(self, redis: Redis, resting: Resting | None = None) -> None:
        self._redis = redis
        self._own = OwnCounts()
        self._resting = resting or Resting()

    async def add(self, key: str, window: int) -> tuple[int, int]:
        """Count one more."""
        own = await self._own.add(key, window)
        if self._resting.is_on:
            return own
        name = f"headwater:rate:{key}"
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.incr(f"{name}:{window}")
                pipe.expire(f"{name}:{window}", 2 * _WINDOW_S)
                pipe.get(f"{name}:{window - 1}")
                count, _, before = await pipe.execute()
        except (RedisError, OSError) as exc:
            self._resting.begin(exc)
            return own
        return int(before or 0), int(count)


class Rates:
    """The quotas of the settings. Safe for concurrent tasks."""

    def __init__(self, counts: Counts, usual: int, by_subscription: Mapping[str, int]) -> None:
        """`usual` is of every other subscription, and of addresses; 0: as often as they like."""
        self._counts = counts
        self._usual = usual
        self._by_subscription = by_subscription

    async def account(self, caller: AccessToken) -> Rate | None:
        """Count a request of a caller; TooMany beyond the quota. None: there is none."""
        quota = self._by_subscription.get(caller.subscription, self._usual)
        return await self._count("account", account_of(caller.subject), quota)

    async def address(self, address: str) -> Rate | None:
        """Count a request of an address that has not said who it is."""
        return await self._count("address", _network(address), self._usual)

    async def _count(self, policy: str, name: str, quota: int) -> Rate | None:
        if not quota or not self._usual:
            return None
        window, part = divmod(time.time(), _WINDOW_S)
        before, count = await self._counts.add(f"{policy}:{name}", int(window))
        # Who was refused before has not used more than there is.
        used = min(before, quota) * (1 - part / _WINDOW_S) + count
        rate = Rate(policy, quota, math.floor(quota - used), math.ceil(_WINDOW_S - part))
        if rate.left < 0:
            raise TooMany(rate)
        return rate


def _network(address: str) -> str:
    """An address, or the network that one household has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 4 or parsed.ipv4_mapped:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))

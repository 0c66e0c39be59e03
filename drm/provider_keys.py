"""The keys of an identity provider, asked for over HTTP and remembered. One per process.

They are fetched anew when they have reached their age, or when a token names one that is not
there: then at most every half minute, however many such tokens come. While the provider does not
answer, what it said last is used, but not without an end.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Collection, Mapping

from drm import jwks
from drm.errors import IdentityProviderAway, InvalidToken
from drm.http_client import HttpAnswer, HttpClient, HttpFailed
from drm.jwks import InvalidKeySet, KeyName, PublicKey

_log = logging.getLogger(__name__)

_TIMEOUT_S = 5.0
_AGE_S = 600.0  # where the provider does not say
_MIN_AGE_S, _MAX_AGE_S = 60.0, 900.0  # a key that it withdrew is good for the latter at most
_EARLY = 0.8  # of its age: from here it is fetched anew while the old one is used
_UNKNOWN_S = 30.0  # between fetches for the sake of an unknown key
_PAUSE_S = 5.0  # after a fetch that failed
_NEVER = float("-inf")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", re.ASCII | re.IGNORECASE)


class ProviderKeys:
    """Finds keys by name. Calls may be concurrent: they share one fetch. To be closed."""

    def __init__(
        self,
        http: HttpClient,
        url: str,
        algorithms: Collection[str],
        *,
        stale_s: float = 21600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = url
        self._algorithms = tuple(algorithms)
        self._stale_s = stale_s  # how long beyond their age keys are used
        self._clock = clock
        self._keys: Mapping[KeyName, PublicKey] = {}
        self._age_s = _AGE_S
        self._fetched = _NEVER  # when the keys were
        self._asked = _NEVER  # when a fetch ended last, however
        self._failed = False  # how that was
        self._fetch: asyncio.Task[None] | None = None

    async def key(self, name: KeyName) -> PublicKey:
        """Return a key.

        InvalidToken if the provider has none of that name, IdentityProviderAway if it cannot be
        asked and has not been for too long.
        """
        if name[1] not in self._algorithms:  # nothing to ask anybody for
            raise InvalidToken("not an algorithm that is accepted")
        age = self._clock() - self._fetched
        # While the provider does not answer, nobody waits for it who has a key that still counts.
        can_wait = self._failed and name in self._keys and age < self._age_s + self._stale_s
        if age >= self._age_s and not can_wait:
            await self._refresh()
        elif age >= self._age_s * _EARLY and self._may_ask(_PAUSE_S):
            self._begin()
        key = self._keys.get(name)
        if key is None and self._may_ask(_UNKNOWN_S):
            await self._refresh()
            key = self._keys.get(name)
        is_too_old = self._clock() - self._fetched >= self._age_s + self._stale_s
        if is_too_old or (key is None and self._failed):  # it may be one of tomorrow's
            raise IdentityProviderAway
        if key is None:
            raise InvalidToken("signed with an unknown key")
        return key

    async def close(self) -> None:
        """Stop a running fetch."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])

    def _may_ask(self, pause_s: float) -> bool:
        return self._fetch is not None or self._clock() - self._asked >= pause_s

    async def _refresh(self) -> None:
        """Wait for a fetch, unless one has failed just now."""
        if self._failed and not self._may_ask(_PAUSE_S):
            return
        await asyncio.shield(self._begin())

    def _begin(self) -> asyncio.Task[None]:
        if self._fetch is None:
            self._fetch = asyncio.create_task(self._load())
        return self._fetch

    async def _load(self) -> None:
        """Fetch the set. What is wrong with it is logged: the keys that were stay."""
        failed = True
        try:
            answer = await self._http.request(
                "GET", self._url, {"Accept": "application/json"}, None, _TIMEOUT_S
            )
            self._keys = read_keys(answer, self._algorithms)
            self._age_s = _age(answer.headers.get("cache-control", ""))
            self._fetched = self._clock()
            failed = False
        except (HttpFailed, InvalidKeySet) as exc:
            _log.warning("identity provider: no new keys: %s", exc)
        finally:
            self._failed = failed
            self._asked = self._clock()
            self._fetch = None


def read_keys(answer: HttpAnswer, algorithms: Collection[str]) -> dict[KeyName, PublicKey]:
    """What the provider's answer holds; InvalidKeySet where that is nothing of use."""
    if answer.status != 200:
        raise InvalidKeySet(f"status {answer.status}")
    return jwks.parse(answer.body, algorithms)


def _age(cache_control: str) -> float:
    """How long a set may be used without asking. RFC 9111, 5.2.2.1, within our bounds."""
    match = _MAX_AGE.search(cache_control)
    if match is None:
        return _AGE_S
    return min(max(float(match[1]), _MIN_AGE_S), _MAX_AGE_S)

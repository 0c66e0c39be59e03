"""The catalog away: who is known goes on for a while, and everybody else is told at once.

What was read less than `origin.outage_grace_s` ago still counts then: rights of tracks, editions of
releases, wrapped keys, leases of streams. Nothing else does; nothing is guessed. A catalog that
takes longer than two seconds is away, too. It is tried again each second, by one request, and
counts as back with its first answer, also if that is that there is no such thing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from catalog.errors import CatalogError, CatalogUnavailable, NotFound
from origin.problems import OriginError

_LOG = logging.getLogger("headwater.origin")

_PATIENCE_S = 2.0  # with a catalog that is slow, where something is known
_PAUSE_S = 1.0  # between tries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """What the catalog said, and when: time.monotonic()."""

    value: T
    read_at: float


class Outage:
    """One worker's view of the catalog."""

    def __init__(
        self, grace_s: float, *, patience_s: float = _PATIENCE_S, pause_s: float = _PAUSE_S
    ) -> None:
        self._grace_s = grace_s
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._since: float | None = None  # time.monotonic()
        self._next_try = 0.0
        self._tries: set[asyncio.Task[None]] = set()

    @property
    def is_on(self) -> bool:
        """Whether the catalog was away at the last try."""
        return self._since is not None

    async def ask(self, load: Callable[[], Awaitable[T]], known: Known[T] | None) -> T:
        """What `load` reads, or what is known where the catalog is away. CatalogError for neither.

        `load` must bear to be cancelled, and keep what it reads.
        """
        now = time.monotonic()
        if known is not None and now - known.read_at > self._grace_s:
            known = None
        if self._since is None:
            return await self._first(load, known)
        if now < self._next_try:
            if known is None:
                raise CatalogUnavailable("the catalog is away")
            return known.value
        self._next_try = now + self._pause_s
        if known is None:
            return await self._tried(load)
        task = asyncio.ensure_future(self._retry(load))
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)
        return known.value

    async def close(self) -> None:
        """Stop trying."""
        for task in self._tries:
            task.cancel()
        await asyncio.gather(*self._tries, return_exceptions=True)

    async def _first(self, load: Callable[[], Awaitable[T]], known: Known[T] | None) -> T:
        if known is None:
            return await self._tried(load)
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._tried(load)
        except NotFound:
            raise
        except TimeoutError:
            self._note_away(f"no answer within {self._patience_s:g} s")
        except CatalogError:
            pass
        return known.value

    async def _tried(self, load: Callable[[], Awaitable[T]]) -> T:
        try:
            value = await load()
        except (NotFound, OriginError):  # an answer, too
            self._note_back()
            raise
        except CatalogError as error:
            self._note_away(str(error))
            raise
        self._note_back()
        return value

    async def _retry(self, load: Callable[[], Awaitable[T]]) -> None:
        with suppress(CatalogError, OriginError):
            await self._tried(load)

    def _note_away(self, why: str) -> None:
        now = time.monotonic()
        self._next_try = now + self._pause_s
        if self._since is None:
            self._since = now
            message = "the catalog is away (%s): what was read in the last %g s still counts"
            _LOG.error(message, why, self._grace_s)

    def _note_back(self) -> None:
        if self._since is not None:
            _LOG.warning("the catalog is back after %.1f s", time.monotonic() - self._since)
            self._since = None

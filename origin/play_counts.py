"""Songs that are begun, counted in the catalog: what search and trending are ordered by.

Every worker adds what it has seen, a few seconds later and many at a time, so that a play costs a
listener nothing. A worker that is killed loses what it has not added yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from catalog import plays
from catalog.batches import batches
from catalog.engine import Catalog
from catalog.errors import CatalogError
from catalog.plays import MOST_AT_ONCE, Played

_LOG = logging.getLogger("headwater.origin")

_EVERY_S = 10.0
_LAST_S = 3.0  # for what waits when the worker ends
_MOST = 50_000  # days and tracks that wait while the catalog is away; beyond that none is counted


class PlayCounts:
    """What one worker has seen and not added yet."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._waiting: Counter[tuple[int, str]] = Counter()
        self._adding: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, *track_ids: str) -> None:
        """Songs of these tracks are begun now."""
        if not track_ids or len(self._waiting) >= _MOST:
            return
        today = plays.day_of(datetime.now(UTC))
        self._waiting.update((today, one) for one in track_ids)
        if self._adding is None and not self._closing.is_set():
            self._adding = asyncio.create_task(self._add_later())

    async def close(self) -> None:
        """Add what still waits, if the catalog can be written now."""
        self._closing.set()
        adding = self._adding
        if adding is not None:
            await asyncio.wait({adding}, timeout=_LAST_S)
            adding.cancel()
            await asyncio.gather(adding, return_exceptions=True)

    async def _add_later(self) -> None:
        is_last = False
        while self._waiting and not is_last:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_S):
                    await self._closing.wait()
            is_last = self._closing.is_set()  # else what is noted until then is added, too
            try:
                await self._add()
            except CatalogError as exc:  # what it does not take now waits
                _LOG.debug("plays cannot be counted: %s", exc)
        self._adding = None

    async def _add(self) -> None:
        for some in batches(sorted(self._waiting), MOST_AT_ONCE):
            played = [Played(*place, self._waiting[place]) for place in some]
            today = plays.day_of(datetime.now(UTC))
            await self._catalog.transact(partial(plays.add, played=played, today=today))
            for one in played:  # others may have been noted meanwhile
                self._waiting[one.day, one.track_id] -= one.plays
            self._waiting = +self._waiting

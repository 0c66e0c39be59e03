"""How jobs go on, for those who watch them: one question to the catalog for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator

from catalog import jobs
from catalog.engine import Catalog
from catalog.errors import CatalogError
from catalog.records import OVER, JobRecord

_LOG = logging.getLogger("headwater.origin")

_LOOK_S = 0.5
_AWAY_S = 2.0


class JobFeed:
    """Looks at watched jobs twice a second, as long as anybody watches."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._watched: Counter[str] = Counter()
        self._latest: dict[str, JobRecord] = {}
        self._looking: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return self._watched.total()

    async def get(self, job_id: str) -> JobRecord:
        """Read a job now; NotFound where there is none."""
        async with self._catalog.connect(fresh=True) as tx:
            return await jobs.get(tx, job_id)

    async def watch(self, job_id: str, beat_s: float) -> AsyncGenerator[JobRecord | None, None]:
        """Each change of a job, from how it is now until it is over; None after a silent beat."""
        loop = asyncio.get_running_loop()
        last: JobRecord | None = None
        said = loop.time()
        self._watched[job_id] += 1
        try:
            while not self._is_closed:
                record = self._latest.get(job_id)
                if record is not None and record != last:
                    last, said = record, loop.time()
                    yield record
                    if record.state in OVER:
                        return
                elif loop.time() - said >= beat_s:
                    said = loop.time()
                    yield None
                await self._look()
        finally:
            self._watched[job_id] -= 1
            if not self._watched[job_id]:
                del self._watched[job_id]
                self._latest.pop(job_id, None)

    async def close(self) -> None:
        """End all watching."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        """Wait for the next look; whoever waits first begins it for all."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._read())
        await asyncio.wait({self._looking})

    async def _read(self) -> None:
        await asyncio.sleep(_LOOK_S if self._latest else 0)
        try:
            async with self._catalog.connect(fresh=True) as tx:
                found = await jobs.get_many(tx, list(self._watched))
        except CatalogError as exc:  # away for a while: those who watch wait
            _LOG.warning("jobs cannot be looked at: %s", exc)
            await asyncio.sleep(_AWAY_S)
        else:
            # Who left meanwhile took theirs along: nothing old is there for who comes next.
            self._latest = {name: one for name, one in found.items() if name in self._watched}

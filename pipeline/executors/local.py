"""Jobs side by side in this process, each to its end: tried again here where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.attempts import Attempts, Later, one_line
from pipeline.executors import Order, Place
from pipeline.executors.pool import Pool
from pipeline.progress import Outcome, Status


@dataclass(slots=True)
class LocalExecutor:
    """The jobs of one batch, whose tracks may wait for each other."""

    attempts: Attempts
    pool: Pool
    _full_until: datetime | None = None  # there was no room for one of them

    async def run(self, orders: Sequence[Order]) -> AsyncIterator[Outcome]:
        """See jobs to their ends. When that is interrupted, those that are left are canceled.

        Not those that somebody else had asked for before: they are given back.
        """
        left = {order.job_id for order in orders if order.is_own}

        async def work(order: Order, place: Place) -> Outcome:
            outcome = await self._outcome(order, place)
            left.discard(order.job_id)
            return outcome

        try:
            async for outcome in self.pool.map(work, orders):
                yield outcome
        except asyncio.CancelledError:
            await asyncio.shield(self.attempts.cancel(sorted(left), "interrupted"))
            raise

    async def _outcome(self, order: Order, place: Place) -> Outcome:
        """A job's outcome, whatever it is; the rest of the batch goes on."""
        ingest = self.attempts.ingest
        try:
            outcome = await self._to_its_end(order, place)
        except Exception as exc:  # noqa: BLE001 - as above
            error = one_line(order.source, exc)
            title = ingest.titles.get(order.source)
            outcome = Outcome(order.source, Status.FAILED, 0, title=title, error=error)
        failed = outcome.status in {Status.FAILED, Status.CANCELED}
        await ingest.albums.leave(order.source, failed=failed)
        ingest.reporter.done(outcome)
        return outcome

    async def _to_its_end(self, order: Order, place: Place) -> Outcome:
        began = asyncio.get_running_loop().time()
        said: str | None = None
        while True:
            await self._rest(order, place)
            result = await self.attempts.once(order.job_id, place, order.source)
            if not isinstance(result, Later):
                seconds = asyncio.get_running_loop().time() - began
                return replace(result, seconds=round(seconds, 3))
            if result.reason and result.reason != said:
                said = result.reason
                self.attempts.ingest.reporter.warn(order.source, said)
            if result.lacks_room:
                self._full_until = result.until
            async with place.left():
                await asyncio.sleep(max(0.0, self.attempts.seconds_until(result.until)))

    async def _rest(self, order: Order, place: Place) -> None:
        """Wait where there was no room a moment ago: a try writes to its row, on a full disk."""
        while self._full_until and (left_s := self.attempts.seconds_until(self._full_until)) > 0:
            await self.attempts.ingest.albums.step_aside(order.source)
            async with place.left():
                await asyncio.sleep(left_s)

"""A job that this process holds: its stages as they come, its lease, its end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from catalog import jobs
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogUnavailable, Fenced
from catalog.records import Claim, Fault
from pipeline.progress import Stage, Status

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RENEWALS = 6  # in one lease: some may fail before anybody else takes the job
_LOOK_S = 2.0  # a renewal is 15 ms of CPU: more often would cost more than it tells
_STEP = 0.05  # of the whole track: so much progress is written at once


@dataclass(slots=True)
class Job:
    """One attempt of a job. Used by one task, and by the one that renews its lease.

    Every method raises Fenced once the job is another worker's, or canceled.
    """

    catalog: Catalog
    clock: Callable[[], datetime]
    claim: Claim
    lease_s: float
    progress: float = 0.0  # of the whole track, 0 to 1; written with the next renewal
    _running: tuple[Stage, float] | None = field(default=None)
    _is_ending: bool = False  # a transaction that ends it has begun

    @property
    def id(self) -> str:
        """The job's id."""
        return self.claim.job_id

    @property
    def making(self) -> str:
        """What no other attempt has: no two write under the same prefix of the storage."""
        return f"{self.claim.job_id}-{self.claim.token}"

    async def keep(self, work: Awaitable[_T]) -> _T:
        """Do the work and renew the lease meanwhile; Fenced ends the work."""
        working = asyncio.ensure_future(work)
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if self._is_ending:  # what ended the renewing may be our own publication
                await asyncio.wait({working})
            if working.done():
                return working.result()
            working.cancel()
            await asyncio.wait({working})
            raise renewing.exception() or Fenced(self.id)
        finally:
            for task in (working, renewing):
                task.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)

    async def enter(self, stage: Stage) -> None:
        """The next stage begins, so the one before it is over: both in one transaction."""
        async with self.catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.stage(tx, self.claim, stage.value, None)
        self._running = (stage, time.monotonic())

    async def close_stage(self, tx: Tx) -> None:
        """Write how long the running stage took."""
        if self._running is not None:
            stage, began = self._running
            seconds = round(time.monotonic() - began, 3)
            await jobs.stage(tx, self.claim, stage.value, seconds)
            self._running = None

    async def writes(self, track_id: str, revision: str) -> None:
        """Say where objects are about to be written."""
        async with self.catalog.begin() as tx:
            await jobs.writes(tx, self.claim, track_id, revision)

    async def check(self, tx: Tx) -> None:
        """Make sure of the job until the transaction ends: what publishes begins so."""
        self._is_ending = True
        await jobs.check_fence(tx, self.claim.job_id, self.claim.token)
        await self.close_stage(tx)

    async def finish(
        self, tx: Tx, status: Status, master_sha256: str, track_id: str, revision: str
    ) -> None:
        """There was nothing to make."""
        await self.check(tx)
        await jobs.finish(
            tx,
            self.id,
            self.clock(),
            outcome=status.value,
            master_sha256=master_sha256,
            track_id=track_id,
            revision=revision,
        )

    async def fail(self, error: str, fault: Fault) -> None:
        """It cannot succeed; write the one line that says why."""
        async with self.catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.fail(tx, self.claim, error, fault, self.clock())

    async def park(self, error: str) -> None:
        """It failed too often."""
        async with self.catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.park(tx, self.claim, error, self.clock())

    async def wait(self, error: str, delay_s: float) -> datetime:
        """It may succeed later; returns when."""
        async with self.catalog.begin() as tx:
            await self.close_stage(tx)
            now = self.clock()
            not_before = now + timedelta(seconds=delay_s)
            await jobs.wait(tx, self.claim, error, now, not_before)
        return not_before

    async def give_back(self) -> None:
        """Leave it to others: this process ends."""
        async with self.catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.give_back(tx, self.claim, self.clock())

    async def _renew(self) -> None:
        """Renew the lease in time; sooner where there is progress to tell to those who watch."""
        told, due = 0.0, time.monotonic() + self.lease_s / _RENEWALS
        while True:
            await asyncio.sleep(min(_LOOK_S, self.lease_s / _RENEWALS))
            if time.monotonic() < due and self.progress - told < _STEP:
                continue
            told, due = self.progress, time.monotonic() + self.lease_s / _RENEWALS
            try:
                async with self.catalog.begin() as tx:
                    await jobs.renew(tx, self.claim, self.clock(), self.lease_s, self.progress)
            except CatalogUnavailable as exc:
                _log.warning("the lease of job %s was not renewed: %s", self.id, exc)

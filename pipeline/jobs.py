"""The catalog's row of one ingest: which stage it is in and how long each one took."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from catalog import jobs
from catalog.engine import Catalog, Tx
from pipeline.errors import shown
from pipeline.progress import Stage


class Job:
    """A running job. Used by one task."""

    def __init__(self, catalog: Catalog, clock: Callable[[], datetime]) -> None:
        self.id = uuid4().hex
        self._catalog = catalog
        self._clock = clock
        self._running: tuple[Stage, float] | None = None

    async def start(self, tenant: str, source: Path) -> None:
        """Write the row."""
        async with self._catalog.begin() as tx:
            await jobs.start(tx, self.id, tenant, shown(source.absolute()), self._clock())

    async def enter(self, stage: Stage) -> None:
        """The next stage begins, so the one before it is over: both in one transaction."""
        async with self._catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.stage(tx, self.id, stage.value, None)
        self._running = (stage, time.monotonic())

    async def close_stage(self, tx: Tx) -> None:
        """Write how long the running stage took."""
        if self._running is not None:
            stage, began = self._running
            await jobs.stage(tx, self.id, stage.value, round(time.monotonic() - began, 3))
            self._running = None

    async def finish(self, tx: Tx, master_sha256: str, track_id: str, revision: str) -> None:
        """There was nothing to make."""
        await self.close_stage(tx)
        await jobs.finish(
            tx,
            self.id,
            self._clock(),
            master_sha256=master_sha256,
            track_id=track_id,
            revision=revision,
        )

    async def fail(self, error: str) -> None:
        """Write the one line that says why."""
        async with self._catalog.begin() as tx:
            await self.close_stage(tx)
            await jobs.fail(tx, self.id, error, self._clock())

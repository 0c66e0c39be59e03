"""Jobs done by workers elsewhere: told of, and watched in the catalog until they are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog import jobs
from catalog.engine import Catalog
from catalog.errors import CatalogUnavailable
from catalog.records import JobRecord, JobState
from pipeline.executors import Order
from pipeline.executors.rota import Rota
from pipeline.outcomes import outcome_of_job
from pipeline.progress import Outcome, Progress, Reporter, Stage
from pipeline.submission import Submitter
from storage.base import ObjectStore

_LOOK_S = 0.5


@dataclass(slots=True)
class RemoteExecutor:
    """The jobs of one batch. When the watching is interrupted, they go on."""

    catalog: Catalog
    store: ObjectStore
    submitter: Submitter
    reporter: Reporter
    _said: dict[str, str] = field(default_factory=dict)

    async def run(self, orders: Sequence[Order]) -> AsyncIterator[Outcome]:
        """See jobs to their ends; the outcomes come in the order that the jobs end."""
        for queue in {order.queue for order in orders}:
            ids = [order.job_id for order in orders if order.queue is queue]
            await self.submitter.deliver(ids, queue)
        sources = {order.job_id: order.source for order in orders}
        rota = Rota(sources)
        while rota:
            for outcome in await self._look(rota, sources):
                self.reporter.done(outcome)
                yield outcome
            await asyncio.sleep(_LOOK_S if rota else 0)

    async def _look(self, rota: Rota, sources: Mapping[str, Path]) -> list[Outcome]:
        """The outcomes of those that are over by now; none while the catalog is away."""
        try:
            async with self.catalog.connect(fresh=True) as tx:
                records = await jobs.get_all(tx, rota.turn())
            found = [await self._outcome(record, sources[record.job_id]) for record in records]
        except CatalogUnavailable as exc:
            rota.cannot(exc)
            return []
        rota.told(records)  # now that all of it was read
        return [outcome for outcome in found if outcome is not None]

    async def _outcome(self, record: JobRecord, source: Path) -> Outcome | None:
        outcome = await outcome_of_job(self.catalog, self.store, record, source)
        if outcome is None:
            self._tell(record, source)
        elif record.finished_at is not None and record.started_at is not None:
            seconds = (record.finished_at - record.started_at).total_seconds()
            return replace(outcome, seconds=round(seconds, 3))
        return outcome

    def _tell(self, record: JobRecord, source: Path) -> None:
        """Show how far a job is, and once why it waits."""
        if record.state is JobState.RUNNING and record.stage in set(Stage):
            stage = Stage(record.stage)
            self.reporter.progress(Progress.at(source, stage, record.progress))
        elif record.state is JobState.WAITING and record.error:
            if self._said.get(record.job_id) != record.error:
                self.reporter.warn(source, record.error)
            self._said[record.job_id] = record.error

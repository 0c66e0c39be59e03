"""Masters become jobs: rows in the catalog, and a word to the workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from catalog import deliveries, jobs
from catalog.batches import batches
from catalog.engine import Catalog
from catalog.records import JobQueue, MasterSource
from pipeline.errors import BrokerUnavailable
from pipeline.executors import Courier, Order
from pipeline.masters import source_of

_AT_ONCE = 200  # jobs in a transaction
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitter:
    """Takes masters in, to be ingested soon: the origin's JobSubmitter too.

    Without a courier, workers look into the catalog by themselves.
    """

    catalog: Catalog
    clock: Callable[[], datetime]
    courier: Courier | None = None

    async def submit(
        self, source: MasterSource, *, queue: str, tenant: str, within: jobs.Within | None = None
    ) -> str:
        """Queue a job and return its id; that of an unfinished one for the same master.

        `within` runs in the transaction that makes it, with its id.
        """
        async with self.catalog.begin() as tx:
            job_id = await jobs.submit(
                tx,
                uuid4().hex,
                source,
                tenant=tenant,
                queue=JobQueue(queue),
                now=self.clock(),
            )
            if within is not None:
                await within(tx, job_id)
        await self.deliver([job_id], JobQueue(queue))
        return job_id

    async def deliver(self, job_ids: Sequence[str], queue: JobQueue) -> bool:
        """Tell the workers. False where the broker is away: a worker's sweep finds them later."""
        if self.courier is None:
            return True
        async with self.catalog.begin() as tx:
            await deliveries.mark_delivered(tx, job_ids, self.clock())
        try:
            await self.courier.deliver(job_ids, queue)
        except BrokerUnavailable as exc:
            _log.warning("%s: workers will find the jobs by themselves, a little later", exc)
            return False
        return True


async def submit_all(
    catalog: Catalog,
    sources: Sequence[Path],
    *,
    tenant: str,
    queue: JobQueue,
    operator_id: str | None = None,
    scheme: str | None = None,
    now: datetime,
) -> tuple[Order, ...]:
    """Queue a job for each master; some in a transaction, so that other writers do not wait.

    Where it fails, some are queued: asked for again, they are the same jobs.
    """
    orders = []
    for some in batches(tuple(enumerate(sources)), _AT_ONCE):
        async with catalog.begin() as tx:
            for number, source in some:
                moment = now + timedelta(microseconds=number)  # so they keep their order
                wanted = source_of(source, operator_id=operator_id, scheme=scheme)
                new_id = uuid4().hex
                job_id = await jobs.submit(
                    tx, new_id, wanted, tenant=tenant, queue=queue, now=moment
                )
                orders.append(Order(job_id, source, queue, is_own=job_id == new_id))
    return tuple(orders)

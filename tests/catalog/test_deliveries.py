"""What there is to do, in order, and what a broker has lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog import deliveries, jobs
from catalog.engine import Catalog
from catalog.records import JobQueue, MasterSource

HOT, BULK = JobQueue.HOT, JobQueue.BULK
MINUTE = timedelta(minutes=1)


async def fill(catalog: Catalog, now: datetime) -> None:
    """Bulk jobs first, then hot ones, a second apart."""
    async with catalog.begin() as tx:
        for number, queue in enumerate((BULK, BULK, HOT, HOT)):
            source = MasterSource(f"/{number}")
            moment = now + timedelta(seconds=number)
            await jobs.submit(
                tx, f"{queue}{number}", source, tenant="default", queue=queue, now=moment
            )


async def test_hot_jobs_come_first_then_the_oldest(catalog: Catalog, now: datetime) -> None:
    await fill(catalog, now)
    async with catalog.begin() as tx:
        assert await deliveries.claimable(tx, [HOT, BULK], now, 3) == ("hot2", "hot3", "bulk0")
        assert await deliveries.claimable(tx, [BULK], now, 9) == ("bulk0", "bulk1")
        held = await jobs.claim(tx, "hot2", "w", now, lease_s=60, max_attempts=3)
        assert held is not None
        await jobs.wait(tx, held, "later", now, now + MINUTE)
        await jobs.claim(tx, "hot3", "w", now, lease_s=90, max_attempts=3)
        assert await deliveries.claimable(tx, [HOT], now, 9) == ()
        assert await deliveries.claimable(tx, [HOT], now + MINUTE, 9) == ("hot2",)
        assert await deliveries.claimable(tx, [HOT], now + 2 * MINUTE, 9) == ("hot2", "hot3")


async def test_what_comes_before_a_new_job(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        assert await deliveries.count_ahead(tx, BULK) == 0
    await fill(catalog, now)
    async with catalog.begin() as tx:
        assert await deliveries.count_ahead(tx, HOT) == 2
        assert await deliveries.count_ahead(tx, BULK) == 4
        for job in ("bulk0", "hot2", "hot3"):
            await jobs.claim(tx, job, "w", now, lease_s=60, max_attempts=3)
        assert await deliveries.count_ahead(tx, HOT) == 1.5
        assert await deliveries.count_ahead(tx, BULK) == 2.5


async def test_what_was_sent_lately_is_not_sent_again(catalog: Catalog, now: datetime) -> None:
    await fill(catalog, now)
    async with catalog.begin() as tx:
        assert await deliveries.count_queued(tx, HOT) == 2
        found = await deliveries.undelivered(tx, HOT, now, after_s=60, limit=9)
        assert found == ("hot2", "hot3")
        await deliveries.mark_delivered(tx, ["hot2"], now)
        found = await deliveries.undelivered(tx, HOT, now, after_s=60, limit=9)
        assert found == ("hot3",)
        found = await deliveries.undelivered(tx, HOT, now + MINUTE, after_s=60, limit=1)
        assert found == ("hot2",)


async def test_a_wait_that_is_over_and_a_dead_worker_are_overdue(
    catalog: Catalog, now: datetime
) -> None:
    await fill(catalog, now)
    async with catalog.begin() as tx:
        held = await jobs.claim(tx, "bulk0", "w", now, lease_s=60, max_attempts=3)
        assert held is not None
        await jobs.wait(tx, held, "later", now, now + MINUTE)
        await jobs.claim(tx, "bulk1", "w", now, lease_s=60, max_attempts=3)
        assert await deliveries.overdue(tx, BULK, now, after_s=60, limit=9) == ()
        found = await deliveries.overdue(tx, BULK, now + MINUTE, after_s=60, limit=9)
        assert found == ("bulk0", "bulk1")
        assert await deliveries.count_queued(tx, BULK) == 0

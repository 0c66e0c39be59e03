"""Jobs of others, watched in the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog import jobs
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogUnavailable
from catalog.records import JobQueue, JobRecord, JobState, MasterSource
from pipeline.executors import Order
from pipeline.executors.remote import RemoteExecutor
from pipeline.executors.rota import Rota
from pipeline.progress import Status
from pipeline.submission import Submitter
from storage.local import LocalStore
from tests.support.workshop import Recorder

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(job_id: str, state: JobState) -> JobRecord:
    source = MasterSource(f"/{job_id}.wav")
    return JobRecord(job_id, "default", source, JobQueue.BULK, state, "start", NOW)


def test_what_runs_is_looked_at_each_time_and_thousands_that_wait_in_turn() -> None:
    rota = Rota(str(number) for number in range(500))
    first = rota.turn()
    assert first == tuple(str(number) for number in range(200))
    rota.told([record("0", JobState.DONE), record("1", JobState.RUNNING)])
    rota.told([record(one, JobState.QUEUED) for one in first[2:]])
    assert rota.turn() == ("1", *(str(number) for number in range(200, 400)))
    rota.told([record("1", JobState.WAITING)])
    seen: set[str] = set()
    while rota:
        seen |= set(rota.turn())
        rota.told([record(one, JobState.DONE) for one in rota.turn()])
    assert seen == {str(number) for number in range(1, 500)}


@dataclass
class Away:
    """A catalog that cannot be reached now and then."""

    catalog: Catalog
    asked: int = 0

    @asynccontextmanager
    async def connect(self, *, fresh: bool) -> AsyncIterator[Tx]:
        self.asked += 1
        if self.asked in {1, 2, 4}:
            raise CatalogUnavailable("no connection")
        async with self.catalog.connect(fresh=fresh) as tx:
            yield tx


async def test_a_catalog_that_is_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.executors.remote._LOOK_S", 0.001)
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{tmp_path / 'catalog.db'}")
    try:
        orders = [Order(one, Path(f"/{one}.wav"), JobQueue.BULK) for one in ("a", "b")]
        async with catalog.begin() as tx:
            for order in orders:
                source = MasterSource(str(order.source))
                await jobs.submit(
                    tx, order.job_id, source, tenant="default", queue=order.queue, now=NOW
                )
            await jobs.cancel(tx, "a", "not wanted", NOW)
        flaky: Any = Away(catalog)
        said = Recorder()
        submitter = Submitter(catalog, lambda: NOW)
        executor = RemoteExecutor(flaky, LocalStore(tmp_path / "storage"), submitter, said)
        found = []
        async for outcome in executor.run(orders):
            found.append((outcome.source.stem, outcome.status))
            if len(found) == 1:
                async with catalog.begin() as tx:
                    await jobs.cancel(tx, "b", "not wanted", NOW)
        assert found == [("a", Status.CANCELED), ("b", Status.CANCELED)]
    finally:
        await catalog.close()
    assert flaky.asked == 5
    assert caplog.text.count("jobs cannot be looked at: no connection") == 2  # each time once

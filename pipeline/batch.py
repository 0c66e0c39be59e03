"""Many masters: what they share, side by side, and cleaning up after a run that was killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from catalog.engine import Catalog
from configs.ladder import Ladder, check_downloads
from configs.settings import IngestSettings
from drm.audit import NOBODY, Auditor
from drm.keyring import Keyring
from packager.systems import CLEARKEY_ONLY, KeySystems
from pipeline.albums import find_albums
from pipeline.executors import Executor, LocalExecutor
from pipeline.executors.local import available_cores
from pipeline.ffmpeg.binaries import Tools
from pipeline.ingest import Ingest, Workshop, discard
from pipeline.progress import Outcome, Reporter
from pipeline.workspace import find_remains, open_workspace, remove
from storage.base import ObjectStore


@asynccontextmanager
async def open_workshop(
    *,
    store: ObjectStore,
    catalog: Catalog,
    keyring: Keyring,
    ladder: Ladder,
    tools: Tools,
    settings: IngestSettings,
    tenant: str,
    temp: Path,
    systems: KeySystems = CLEARKEY_ONLY,
    auditor: Auditor = NOBODY,
) -> AsyncIterator[Workshop]:
    """Everything an ingest works with, with a private folder that is removed at the end.

    What a run that was killed has left is removed first. ConfigError where the settings ask for
    downloads of tiers that the ladder does not have.
    """
    check_downloads(ladder, settings)
    # Never more encoders than cores: each keeps one busy.
    slots = asyncio.Semaphore(available_cores())
    with open_workspace(temp) as workspace:
        for remains in find_remains(temp):
            if all([await discard(store, catalog, prefix) for prefix in remains.prefixes]):
                remove(remains)
        yield Workshop(
            store=store,
            catalog=catalog,
            keyring=keyring,
            ladder=ladder,
            tools=tools,
            settings=settings,
            systems=systems,
            tenant=tenant,
            workspace=workspace,
            clock=lambda: datetime.now(UTC),
            slot=lambda: slots,
            auditor=auditor,
        )


async def ingest_all(
    shop: Workshop,
    sources: Sequence[Path],
    reporter: Reporter,
    *,
    operator_id: str | None = None,
    executor: Executor | None = None,
) -> tuple[Outcome, ...]:
    """Ingest masters side by side; the outcomes come in the order they ended.

    `operator_id` is for one master only.
    """
    executor = executor or LocalExecutor(shop.settings.jobs)
    reporter.begin(sources)
    try:
        async with find_albums(sources, shop.tenant) as albums:
            ingest = Ingest(shop, reporter, albums)
            works = executor.map(
                lambda source, place: ingest.track(source, place, operator_id), sources
            )
            return tuple([outcome async for outcome in works])
    finally:
        reporter.end()

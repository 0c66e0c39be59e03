"""Many masters: what they share, side by side, and cleaning up after a run that was killed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from catalog.engine import Catalog
from catalog.records import JobQueue
from configs.ladder import Ladder, check_downloads
from configs.settings import IngestSettings
from drm.audit import NOBODY, Auditor
from drm.keyring import Keyring
from packager.systems import CLEARKEY_ONLY, KeySystems
from pipeline.albums import find_albums
from pipeline.attempts import Attempts
from pipeline.cores import Cores
from pipeline.executors.local import LocalExecutor
from pipeline.executors.pool import Pool
from pipeline.ffmpeg.binaries import Tools
from pipeline.ffmpeg.process import end_abandoned
from pipeline.ingest import Ingest
from pipeline.masters import Masters
from pipeline.progress import Outcome, Reporter
from pipeline.storing import discard
from pipeline.submission import submit_all
from pipeline.workshop import Workshop
from pipeline.workspace import find_remains, open_workspace, remove
from storage.base import ObjectStore

_log = logging.getLogger(__name__)


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
    with open_workspace(temp) as workspace:
        shop = Workshop(
            store=store,
            catalog=catalog,
            keyring=keyring,
            ladder=ladder,
            tools=tools,
            settings=settings,
            systems=systems,
            tenant=tenant,
            workspace=workspace,
            folders=(temp,),
            clock=lambda: datetime.now(UTC),
            cores=Cores(),
            auditor=auditor,
        )
        await sweep_remains(shop)
        yield shop


async def sweep_remains(shop: Workshop) -> None:
    """Remove what processes of this machine that were killed have left."""
    await asyncio.to_thread(end_abandoned)
    temp = shop.workspace.root.parent
    for remains in await asyncio.to_thread(find_remains, temp):
        try:
            discarded = [await discard(shop.store, shop.catalog, one) for one in remains.prefixes]
        except Exception as exc:  # noqa: BLE001 - what is left of one run stops no other
            _log.warning("%s is left over: %s: %s", remains.root, type(exc).__name__, exc)
            continue
        if all(discarded):
            await asyncio.to_thread(remove, remains)


async def ingest_all(
    shop: Workshop,
    sources: Sequence[Path],
    reporter: Reporter,
    *,
    operator_id: str | None = None,
    queue: JobQueue = JobQueue.HOT,
    scheme: str | None = None,
    masters: Masters | None = None,
) -> tuple[Outcome, ...]:
    """Ingest masters side by side; the outcomes come in the order they ended.

    `operator_id` is for one master only. `scheme` is one that the settings do not name.
    """
    orders = await submit_all(
        shop.catalog,
        sources,
        tenant=shop.tenant,
        queue=queue,
        operator_id=operator_id,
        scheme=scheme,
        now=shop.clock(),
    )
    reporter.begin(sources)
    try:
        async with find_albums(sources, shop.tenant) as albums:
            attempts = Attempts(shop, Ingest(shop, reporter, albums), masters or Masters())
            executor = LocalExecutor(attempts, Pool(shop.settings.jobs))
            return tuple([outcome async for outcome in executor.run(orders)])
    finally:
        reporter.end()

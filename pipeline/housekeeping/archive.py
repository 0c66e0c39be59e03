"""The archive of masters: `ingest.archive` says whether they are kept, moved or deleted.

Deleting tells the catalog first, and then the storage. Moving copies first, then compares, then
tells the catalog, then deletes. Killed anywhere, a master is where the catalog says that it is, and
maybe in another place, too.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from catalog import masters
from catalog.masters import MasterRecord, Place
from configs.settings import IngestSettings
from pipeline.errors import PipelineError
from pipeline.housekeeping.collect import Item, Kind, Run
from pipeline.housekeeping.hashing import sha256_of
from pipeline.housekeeping.shared import remove_shared
from storage.base import ByteRange, ObjectInfo, ObjectStore

_PAGE = 100
_PIECE = 8 << 20  # bytes
_DAY_S = 86400


class NotTheSame(PipelineError):
    """What arrived in the archive is not what was sent there."""


async def keep_archive(
    run: Run, settings: IngestSettings, cold: ObjectStore | None, temp: Path
) -> None:
    """Move or delete the masters whose days in the storage are over, as the settings say."""
    if settings.archive not in {"tier", "delete"}:
        return
    before = run.ago(settings.archive_days * _DAY_S)
    after = ""
    while True:
        async with run.catalog.connect(fresh=True) as tx:
            page = await masters.page(tx, after, _PAGE, place=Place.STORAGE, before=before)
        for one in page:
            if settings.archive == "delete":
                why = f"archived {one.archived_at:%Y-%m-%d}, ingest.archive is delete"
                await delete_master(run, one, why)
            elif cold is not None:
                await _move(run, one, cold, temp)
        if len(page) < _PAGE:
            return
        after = page[-1].master_sha256


async def delete_master(run: Run, one: MasterRecord, why: str) -> None:
    """Out of the catalog, then out of the storage: unless a job has put it there again."""
    if run.delete:
        async with run.catalog.begin() as tx:
            await masters.forget(tx, one.master_sha256)
    doomed = {one.object_key: ObjectInfo(one.object_key, one.size)}
    await remove_shared(run, Kind.MASTER, doomed, masters.known, why)


async def _move(run: Run, one: MasterRecord, cold: ObjectStore, temp: Path) -> None:
    if run.delete:
        temp.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix="archive-", dir=temp) as file:
            for start in range(0, one.size, _PIECE):
                end = min(start + _PIECE, one.size)
                file.write(await run.store.get(one.object_key, ByteRange(start, end)))
            file.flush()
            await cold.put_file(one.object_key, Path(file.name))
        if await sha256_of(cold, one.object_key, one.size) != one.master_sha256:
            problem = "the archive holds other bytes under this name"
            raise NotTheSame(f"{one.object_key}: {problem} (compare both, it was left in storage)")
        async with run.catalog.begin() as tx:
            await masters.move(tx, one.master_sha256, Place.COLD)
        await run.store.delete(one.object_key)
    why = f"archived {one.archived_at:%Y-%m-%d}, moved to ingest.archive_path"
    run.on_item(Item(Kind.MASTER, one.object_key, 1, one.size, why))

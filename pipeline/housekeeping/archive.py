"""The archive of masters: `ingest.archive` says whether they are kept, moved or deleted.

Deleting tells the catalog first, and then the storage. Moving copies first, then compares, then
tells the catalog, then deletes. Killed anywhere, a master is where the catalog says that it is, and
maybe in another place, too.

A takedown is the other way round: a master that must not exist is known until it is gone, so that
whoever was killed, or could not reach the archive, has only to do it again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from catalog import masters
from catalog.locks import Held, hold
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
    different = 0
    while True:
        async with run.catalog.connect(fresh=True) as tx:
            page = await masters.page(tx, after, _PAGE, place=Place.STORAGE, before=before)
        for one in page:
            if settings.archive == "delete":
                why = f"archived {one.archived_at:%Y-%m-%d}, ingest.archive is delete"
                await _delete(run, one, why)
            elif cold is not None:
                try:
                    await _move(run, one, cold, temp)
                except NotTheSame as exc:  # the others may well be
                    run.on_note(str(exc))
                    different += 1
        if len(page) < _PAGE:
            break
        after = page[-1].master_sha256
    if different:
        raise NotTheSame(f"{different} masters were left where they are")


async def destroy_masters(
    run: Run, cold: ObjectStore | None, track_id: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Delete the archived masters of this track alone, wherever they are, whoever is writing.

    Returns the object keys that are gone, and those that stay; `on_note` is told why they do.
    """
    async with run.catalog.connect(fresh=True) as tx:
        found = await masters.of_track(tx, track_id)
    gone: list[str] = []
    kept: list[str] = []
    for one in found:
        if problem := await _out_of_reach(one, cold):
            run.on_note(f"{one.object_key}: {problem}")
            kept.append(one.object_key)
        elif await _destroy(run, cold, track_id, one):
            gone.append(one.object_key)
    return tuple(gone), tuple(kept)


async def _destroy(run: Run, cold: ObjectStore | None, track_id: str, one: MasterRecord) -> bool:
    """Delete a master, then forget it; False where another track is made of it meanwhile."""
    async with run.catalog.begin() as tx:
        # A job that has not begun to write waits, and then writes its own.
        await hold(tx, Held.OBJECTS, "shared")
        mine = {record.master_sha256 for record in await masters.of_track(tx, track_id)}
        if one.master_sha256 not in mine:
            return False
        for store in (run.store, cold):  # in both, if it was being moved when that was killed
            if store is not None:
                await store.delete(one.object_key)
        await masters.forget(tx, one.master_sha256)
    return True


async def _out_of_reach(one: MasterRecord, cold: ObjectStore | None) -> str | None:
    """Why a master cannot be deleted; None where it can. An absent object is deleted easily."""
    if one.place is not Place.COLD:
        return None
    if cold is None:
        return "it stays in an archive that the settings do not name (set ingest.archive_path)"
    async for _ in cold.list("masters/"):
        return None
    return "it stays: the archive is empty (is what ingest.archive_path names mounted?)"


async def _delete(run: Run, one: MasterRecord, why: str) -> None:
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
            is_known = await masters.move(tx, one.master_sha256, Place.COLD)
        if not is_known:  # a takedown has destroyed it meanwhile
            await cold.delete(one.object_key)
        await run.store.delete(one.object_key)
    why = f"archived {one.archived_at:%Y-%m-%d}, moved to ingest.archive_path"
    run.on_item(Item(Kind.MASTER, one.object_key, 1, one.size, why))

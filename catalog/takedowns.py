"""Tracks that were taken down: nobody may have them, and no delivery brings them back.

A takedown is more than `unpublish`: while it stands, neither `republish` nor a new delivery gives
the track back. When its keys are destroyed, its revisions go with them: only the track's own row
stays, to say that there was one, and that it must not come again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from catalog import masters
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from catalog.locks import Held, hold
from catalog.records import TrackStatus
from catalog.releases import measure
from catalog.schema import keys, renditions, revisions, takedowns, tracks
from catalog.showing import showing
from catalog.upsert import upsert


@dataclass(frozen=True, slots=True)
class TakedownRecord:
    """Who took a track down, when and why."""

    track_id: str
    who: str
    reason: str
    taken_down_at: datetime
    keys_destroyed_at: datetime | None


class TakenDown(CatalogError):
    """The track was taken down: it cannot be published while that stands."""

    def __init__(self, found: TakedownRecord) -> None:
        self.found = found
        super().__init__(
            f"track {found.track_id} was taken down on {found.taken_down_at:%Y-%m-%d}"
            f" ({found.reason}): `headwater takedown --lift` gives it back"
        )


async def take_down(tx: Tx, track_id: str, who: str, reason: str, now: datetime) -> None:
    """Take a track from listeners; one that is down already keeps its first reason."""
    await hold(tx, Held.TRACK, track_id)
    values = {"track_id": track_id, "who": who, "reason": reason, "taken_down_at": now}
    await upsert(tx, takedowns, values, keys=["track_id"], update=[])
    async with showing(tx, track_id):
        await tx.execute(
            update(tracks)
            .where(tracks.c.track_id == track_id)
            .values(status=TrackStatus.UNPUBLISHED, updated_at=now)
        )


async def lift(tx: Tx, track_id: str) -> None:
    """Forget a takedown; the track stays unpublished until somebody publishes it."""
    await hold(tx, Held.TRACK, track_id)
    await tx.execute(delete(takedowns).where(takedowns.c.track_id == track_id))


async def get(tx: Tx, track_id: str) -> TakedownRecord | None:
    """Read a track's takedown; None where there is none."""
    query = select(takedowns).where(takedowns.c.track_id == track_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return TakedownRecord(**row) if row else None


async def require_none(tx: Tx, track_id: str) -> None:
    """Raise TakenDown where a takedown stands. Whoever publishes calls this, holding the track."""
    found = await get(tx, track_id)
    if found is not None:
        raise TakenDown(found)


async def shred(tx: Tx, track_id: str, now: datetime) -> None:
    """Delete a track's wrapped keys and its revisions. It must have been taken down before.

    SQLite writes zeros over what it deletes here. PostgreSQL keeps dead rows until VACUUM.
    """
    await hold(tx, Held.TRACK, track_id)
    of_track = select(tracks.c.release_id).where(tracks.c.track_id == track_id)
    release_id = (await tx.execute(of_track)).scalar_one_or_none()
    if release_id is not None:
        await hold(tx, Held.RELEASE, release_id)
    if tx.dialect.name == "sqlite":
        await tx.exec_driver_sql("PRAGMA secure_delete = ON")
    async with showing(tx, track_id):
        await tx.execute(
            update(tracks)
            .where(tracks.c.track_id == track_id)
            .values(current_revision=None, updated_at=now)
        )
    await masters.remember(tx, track_id)
    for table in (keys, renditions, revisions):
        await tx.execute(delete(table).where(table.c.track_id == track_id))
    if release_id is not None:
        await measure(tx, release_id)
    await tx.execute(
        update(takedowns).where(takedowns.c.track_id == track_id).values(keys_destroyed_at=now)
    )


async def flush(catalog: Catalog, *, patience_s: float = 5.0) -> bool:
    """After `shred`: what SQLite's log still holds of the keys goes, too.

    False where somebody reads the catalog for longer than that: then what was deleted is in its
    files, until whoever comes later empties the log.
    """
    async with catalog.connect(fresh=True) as tx:
        if tx.dialect.name != "sqlite":
            return True
        return await tx.run_sync(_empty_log, patience_s)


def _empty_log(connection: Connection, patience_s: float) -> bool:
    cursor = connection.connection.cursor()  # the driver's: a transaction must not have begun

    def asked(statement: str) -> int:
        cursor.execute(statement)
        row = cursor.fetchone()
        return 0 if row is None else int(row[0])

    try:
        usual_ms = asked("PRAGMA busy_timeout")
        asked(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
        is_busy = asked("PRAGMA wal_checkpoint(TRUNCATE)")
        asked(f"PRAGMA busy_timeout = {usual_ms}")
    finally:
        cursor.close()
    return not is_busy

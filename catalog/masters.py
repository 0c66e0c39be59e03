"""The archive of masters: what was put there, and where it is now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, exists, select, update

from catalog.engine import Tx
from catalog.schema import former_masters, masters, revisions, tracks
from catalog.upsert import upsert


class Place(StrEnum):
    """Where an archived master rests."""

    STORAGE = "storage"  # beside the packages
    COLD = "cold"  # in the archive's own folder


@dataclass(frozen=True, slots=True)
class MasterRecord:
    """One archived master."""

    master_sha256: str
    object_key: str  # the same in either place
    size: int  # bytes
    place: Place
    archived_at: datetime


async def add(tx: Tx, record: MasterRecord) -> None:
    """Keep that a master is in the archive; one that is known stays as it is."""
    await upsert(tx, masters, asdict(record), keys=["master_sha256"], update=[])


async def page(
    tx: Tx,
    after: str,
    limit: int,
    *,
    place: Place | None = None,
    before: datetime | None = None,
) -> tuple[MasterRecord, ...]:
    """Read masters by hash, from the one after that ("": from the first).

    Only of a place, and only what was archived before an instant, where that is given.
    """
    query = select(masters).where(masters.c.master_sha256 > after)
    if place is not None:
        query = query.where(masters.c.place == place)
    if before is not None:
        query = query.where(masters.c.archived_at < before)
    rows = await tx.execute(query.order_by(masters.c.master_sha256).limit(limit))
    return tuple(MasterRecord(**{**row, "place": Place(row["place"])}) for row in rows.mappings())


async def of_track(tx: Tx, track_id: str) -> tuple[MasterRecord, ...]:
    """The archived masters that this track alone was made of, whether its revisions stay or not."""
    former = former_masters.c
    mine = (
        select(revisions.c.master_sha256)
        .where(revisions.c.track_id == track_id)
        .union(select(former.master_sha256).where(former.track_id == track_id))
    )
    others = exists().where(
        revisions.c.master_sha256 == masters.c.master_sha256, revisions.c.track_id != track_id
    )
    # A track that has no revision at all was destroyed: it needs no master.
    formerly_others = exists().where(
        former.master_sha256 == masters.c.master_sha256,
        former.track_id != track_id,
        tracks.c.track_id == former.track_id,
        tracks.c.current_revision.is_not(None),
    )
    query = select(masters).where(masters.c.master_sha256.in_(mine), ~others, ~formerly_others)
    rows = await tx.execute(query.order_by(masters.c.master_sha256))
    return tuple(MasterRecord(**{**row, "place": Place(row["place"])}) for row in rows.mappings())


async def remember(tx: Tx, track_id: str, revision: str | None = None) -> None:
    """Keep which archived masters a track was made of, before revisions of it are deleted.

    Of that revision; of all, where none is given.
    """
    query = (
        select(masters.c.master_sha256)
        .join(revisions, revisions.c.master_sha256 == masters.c.master_sha256)
        .where(revisions.c.track_id == track_id)
    )
    if revision is not None:
        query = query.where(revisions.c.revision == revision)
    for master_sha256 in set((await tx.execute(query)).scalars()):
        values = {"track_id": track_id, "master_sha256": master_sha256}
        await upsert(tx, former_masters, values, keys=list(values), update=[])


async def known(tx: Tx, object_keys: Collection[str]) -> frozenset[str]:
    """Which of these object keys are masters that the archive knows in the storage."""
    query = select(masters.c.object_key).where(
        masters.c.object_key.in_(object_keys), masters.c.place == Place.STORAGE
    )
    return frozenset((await tx.execute(query)).scalars())


async def move(tx: Tx, master_sha256: str, place: Place) -> bool:
    """Keep that a master is elsewhere now; False where the archive knows it no more."""
    moved = await tx.execute(
        update(masters).where(masters.c.master_sha256 == master_sha256).values(place=place)
    )
    return moved.rowcount > 0


async def forget(tx: Tx, master_sha256: str) -> None:
    """Keep that a master is in the archive no more."""
    for table in (former_masters, masters):
        await tx.execute(delete(table).where(table.c.master_sha256 == master_sha256))

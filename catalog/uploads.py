"""What labels send in: one row per upload, from its announcement until its file is gone.

    open ──all bytes are there──▶ done (a job has it)
      └──refused, terminated, expired──▶ ended

`received` is only ever what the file is known to hold, come what may: whoever writes it has synced
the file before, and holds the upload's lock. The rows of those that ended stay for a day at
least, because they are what a label's limits are counted by; the others say whose a track is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, exists, func, or_, select, update

from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.locks import Held, hold
from catalog.records import UploadRecord, UploadState
from catalog.schema import tracks, uploads


@dataclass(frozen=True, slots=True)
class Usage:
    """What a label has in use."""

    open: int  # uploads that may still get bytes
    begun: int  # since an instant, however they ended
    bytes: int  # announced since then; of those without a job, what came of them


@dataclass(frozen=True, slots=True)
class Times:
    """When an upload's time is over: since now, and longer ago if it is whole."""

    now: datetime
    whole_before: datetime  # its sender has done all that there was to do


async def usage(tx: Tx, owner: str, since: datetime, now: datetime) -> Usage:
    """Count a label's uploads; nobody else counts or begins one until the transaction ends."""
    await hold(tx, Held.UPLOADS, owner)
    is_open = (uploads.c.state == UploadState.OPEN) & (uploads.c.expires_at > now)
    of_owner = uploads.c.owner == owner
    count = select(func.count()).select_from(uploads).where(of_owner, is_open)
    counted = case(
        (is_open | (uploads.c.state == UploadState.DONE), uploads.c.size), else_=uploads.c.received
    )
    total = select(func.count(), func.sum(counted)).where(of_owner, uploads.c.created_at >= since)
    opened = (await tx.execute(count)).scalar_one()
    begun, announced = (await tx.execute(total)).one()
    return Usage(opened, begun, int(announced or 0))


async def outstanding(tx: Tx, now: datetime) -> int:
    """How many bytes are still to come of all uploads that are open."""
    query = select(func.sum(uploads.c.size - uploads.c.received)).where(
        uploads.c.state == UploadState.OPEN, uploads.c.expires_at > now
    )
    return int((await tx.execute(query)).scalar_one() or 0)


async def add(tx: Tx, record: UploadRecord) -> None:
    """Begin one."""
    await tx.execute(uploads.insert().values(**asdict(record)))


async def get(tx: Tx, upload_id: str) -> UploadRecord:
    """Read an upload; NotFound where there is none."""
    query = select(uploads).where(uploads.c.upload_id == upload_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound("upload", upload_id)
    return _record(row)


async def of_job(tx: Tx, job_id: str) -> UploadRecord | None:
    """The upload that a job is for."""
    query = select(uploads).where(uploads.c.job_id == job_id).order_by(uploads.c.upload_id)
    row = (await tx.execute(query.limit(1))).one_or_none()
    return None if row is None else _record(row)


async def advance(tx: Tx, upload_id: str, received: int, expires_at: datetime) -> None:
    """So many bytes are safe, and the rest may come until then. NotFound if it is not open."""
    await _change(tx, upload_id, {"received": received, "expires_at": expires_at})


async def settle(tx: Tx, upload_id: str, size: int, fields: Mapping[str, str]) -> None:
    """It has so many bytes, and this was said of it, as was not known before. NotFound as above."""
    await _change(tx, upload_id, {"size": size, "fields": dict(fields)})


async def complete(
    tx: Tx,
    upload_id: str,
    job_id: str,
    *,
    track_id: str,
    release_id: str | None = None,
    duration_s: float,
    estimate_s: float,
) -> None:
    """A job has it now. NotFound if it is not open."""
    changes = {
        "state": UploadState.DONE,
        "job_id": job_id,
        "track_id": track_id,
        "release_id": release_id,
        "duration_s": duration_s,
        "estimate_s": estimate_s,
    }
    await _change(tx, upload_id, changes)


async def end(tx: Tx, upload_id: str, error: str) -> None:
    """It gets no job. NotFound if it is not open."""
    await _change(tx, upload_id, {"state": UploadState.ENDED, "error": error})


async def whole_page(tx: Tx, tenant: str, after: str, limit: int) -> tuple[UploadRecord, ...]:
    """Those that have all their bytes and no job: somebody died, or they could not be looked at.

    By id, from the one after that ("": from the first); whatever the time.
    """
    query = select(uploads).where(
        uploads.c.state == UploadState.OPEN,
        uploads.c.received == uploads.c.size,
        uploads.c.tenant == tenant,
        uploads.c.upload_id > after,
    )
    rows = await tx.execute(query.order_by(uploads.c.upload_id).limit(limit))
    return tuple(_record(row) for row in rows)


async def expired_page(tx: Tx, times: Times, after: str, limit: int) -> tuple[UploadRecord, ...]:
    """Read open ones whose time is over, by id, from the one after that ("": from the first)."""
    query = select(uploads).where(_is_over(times), uploads.c.upload_id > after)
    rows = await tx.execute(query.order_by(uploads.c.upload_id).limit(limit))
    return tuple(_record(row) for row in rows)


async def expire(tx: Tx, upload_id: str, times: Times) -> bool:
    """End an open one whose time is over; False where it got more, or is not open any more."""
    query = (
        update(uploads)
        .where(uploads.c.upload_id == upload_id, _is_over(times))
        .values(state=UploadState.ENDED, error="it expired")
    )
    return (await tx.execute(query)).rowcount > 0


async def of_ids(tx: Tx, upload_ids: Collection[str]) -> dict[str, UploadRecord]:
    """Read those of these uploads that there are."""
    query = select(uploads).where(uploads.c.upload_id.in_(upload_ids))
    return {row.upload_id: _record(row) for row in await tx.execute(query)}


async def forget_ended(tx: Tx, before: datetime) -> int:
    """Drop the rows of what ended without a job and expired before that; how many there were."""
    query = delete(uploads).where(
        uploads.c.state == UploadState.ENDED, uploads.c.expires_at < before
    )
    return (await tx.execute(query)).rowcount


async def is_of_others(tx: Tx, owner: str, track_id: str) -> bool:
    """Whether a track is there, or on its way, and not by this label's uploads.

    Nobody else takes the track until the transaction ends.
    """
    await hold(tx, Held.TRACK, track_id)
    of_track = select(uploads.c.owner).where(uploads.c.track_id == track_id)
    owners = set((await tx.execute(of_track.distinct())).scalars())
    if owners:
        return owner not in owners
    there = select(tracks.c.track_id).where(tracks.c.track_id == track_id)
    return (await tx.execute(there)).first() is not None


async def is_release_of_others(tx: Tx, owner: str, release_id: str) -> bool:
    """Whether a release has a track, or gets one, that is not by this label's uploads.

    Nobody else publishes into the release until the transaction ends; whoever asks for a track
    too asks for that first.
    """
    await hold(tx, Held.RELEASE, release_id)
    coming = select(uploads.c.upload_id).where(
        uploads.c.release_id == release_id,
        uploads.c.owner != owner,
        uploads.c.state == UploadState.DONE,
    )
    if (await tx.execute(coming.limit(1))).first() is not None:
        return True
    by_owner = exists().where(uploads.c.track_id == tracks.c.track_id, uploads.c.owner == owner)
    there = select(tracks.c.track_id).where(tracks.c.release_id == release_id, ~by_owner)
    return (await tx.execute(there.limit(1))).first() is not None


def _is_over(times: Times) -> ColumnElement[bool]:
    return and_(
        uploads.c.state == UploadState.OPEN,
        uploads.c.expires_at <= times.now,
        or_(uploads.c.received < uploads.c.size, uploads.c.expires_at <= times.whole_before),
    )


async def _change(tx: Tx, upload_id: str, changes: dict[str, Any]) -> None:
    query = update(uploads).where(
        uploads.c.upload_id == upload_id, uploads.c.state == UploadState.OPEN
    )
    if (await tx.execute(query.values(**changes))).rowcount == 0:
        raise NotFound("open upload", upload_id)


def _record(row: Row[tuple[object, ...]]) -> UploadRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return UploadRecord(**{**values, "state": UploadState(row.state)})

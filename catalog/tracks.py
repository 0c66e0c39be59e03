"""Reading tracks and their revisions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, union

from catalog import schema
from catalog.album_loudness import LoudnessBlocks
from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.folding import fold
from catalog.gathered import gathered
from catalog.paging import page_of
from catalog.records import (
    RenditionRecord,
    RevisionDraft,
    RevisionRecord,
    StandingRecord,
    TrackRecord,
    TrackStatus,
)
from catalog.schema import renditions, track_artists, tracks

_revisions = schema.revisions  # `revisions` is the function
_NO_NUMBER = 1 << 30  # tracks without a number come last
_credit = track_artists.alias("credit")
# Who is credited, [position, name] each.
_CREDITS = (
    select(gathered(_credit.c.position, _credit.c.credit))
    .where(_credit.c.track_id == tracks.c.track_id)
    .correlate(tracks)
    .scalar_subquery()
)
# Of a revision, its position first.
_RENDITIONS = (
    select(
        gathered(
            renditions.c.position,
            *(renditions.c[one.name] for one in fields(RenditionRecord)),
        )
    )
    .where(
        renditions.c.track_id == _revisions.c.track_id,
        renditions.c.revision == _revisions.c.revision,
    )
    .correlate(_revisions)
    .scalar_subquery()
)


async def get(tx: Tx, track_id: str) -> TrackRecord:
    """Read a track; NotFound where there is none."""
    found = await records(tx, select(tracks).where(tracks.c.track_id == track_id))
    if not found:
        raise NotFound("track", track_id)
    return found[0]


async def standings(tx: Tx, track_ids: Collection[str]) -> dict[str, StandingRecord]:
    """Read how tracks stand; those that there are not are not in the answer."""
    album = schema.releases
    query = (
        select(
            tracks.c.track_id,
            tracks.c.release_id,
            tracks.c.status,
            tracks.c.current_revision,
            tracks.c.available_from,
            album.c.integrated_lufs,
            album.c.loudness_range_lu,
            album.c.true_peak_dbtp,
        )
        .outerjoin(album, album.c.release_id == tracks.c.release_id)
        .where(tracks.c.track_id.in_(track_ids))
    )
    rows = await tx.execute(query)
    return {row[0]: StandingRecord(row[0], row[1], TrackStatus(row[2]), *row[3:]) for row in rows}


async def find(tx: Tx, text: str) -> tuple[TrackRecord, ...]:
    """Find tracks by what an operator types: id, ISRC, the operator's own id, or title.

    A title must be whole, but case and accents do not count. In order of title and id.
    """
    isrc = text.replace("-", "").replace(" ", "").upper()
    matches = (
        tracks.c.track_id == text,
        tracks.c.isrc == isrc,
        tracks.c.operator_id == text,
        tracks.c.folded_title == fold(text),
    )
    # A look-up each: joined by OR, SQLite may read the whole table instead.
    found = union(*(select(tracks.c.track_id).where(one) for one in matches))
    order = (tracks.c.folded_title, tracks.c.track_id)
    return await records(tx, select(tracks).where(tracks.c.track_id.in_(found)).order_by(*order))


async def list_page(
    tx: Tx,
    *,
    after: str | None,
    limit: int,
    offset: int = 0,
    release_id: str | None = None,
    now: datetime | None = None,
) -> tuple[TrackRecord, ...]:
    """Read the `limit` tracks that follow the one with id `after` (None: from the start).

    An `offset` is counted from there, row by row.

    All tracks are in order of title; a release's in order of disc, number and title. With `now`
    given only what listeners may have at that instant. NotFound for an unknown `after`.
    """
    order: tuple[ColumnElement[Any], ...] = (tracks.c.folded_title, tracks.c.track_id)
    query = select(tracks)
    if release_id is not None:
        order = (tracks.c.disc, func.coalesce(tracks.c.number, _NO_NUMBER), *order)
        query = query.where(tracks.c.release_id == release_id)
    if now is not None:
        query = query.where(available(now))
    identity = tracks.c.track_id
    page = await page_of(
        tx, query, order, identity=identity, after=after, limit=limit, offset=offset
    )
    if offset:  # only of the page itself is more read than what puts it in order
        ids = page.with_only_columns(identity).subquery()
        page = select(tracks).join(ids, ids.c.track_id == identity).order_by(*order)
    return await records(tx, page)


async def count(tx: Tx, now: datetime, *, release_id: str | None = None) -> int:
    """Count what listeners may have at that instant; of all tracks, every one is looked at."""
    query = select(func.count()).select_from(tracks).where(available(now))
    if release_id is not None:
        query = query.where(tracks.c.release_id == release_id)
    return int((await tx.execute(query)).scalar_one())


async def revisions(tx: Tx, track_id: str) -> tuple[RevisionRecord, ...]:
    """Read all revisions of a track, the oldest first. NotFound for an unknown track."""
    query = select(_revisions).where(_revisions.c.track_id == track_id)
    found = await _read_revisions(
        tx, query.order_by(_revisions.c.created_at, _revisions.c.revision)
    )
    if not found:
        await get(tx, track_id)
    return found


async def revision(tx: Tx, track_id: str, revision: str) -> RevisionRecord:
    """Read one revision; NotFound where there is none."""
    found = await _read_revisions(
        tx,
        select(_revisions).where(
            _revisions.c.track_id == track_id, _revisions.c.revision == revision
        ),
    )
    if not found:
        raise NotFound("revision", f"{track_id}/{revision}")
    return found[0]


async def find_revision(
    tx: Tx, track_id: str, master_sha256: str, recipe_sha256: str
) -> RevisionRecord | None:
    """Find what was already made of this very master with this recipe.

    Where there are several, the current one counts first, then the newest.
    """
    is_current = case((tracks.c.current_revision == _revisions.c.revision, 0), else_=1)
    query = (
        select(_revisions)
        .join(tracks, tracks.c.track_id == _revisions.c.track_id)
        .where(
            _revisions.c.track_id == track_id,
            _revisions.c.master_sha256 == master_sha256,
            _revisions.c.recipe_sha256 == recipe_sha256,
        )
        .order_by(is_current, _revisions.c.created_at.desc(), _revisions.c.revision)
        .limit(1)
    )
    found = await _read_revisions(tx, query)
    return found[0] if found else None


def available(now: datetime) -> ColumnElement[bool]:
    """Make the condition that `TrackRecord.is_available` states, as SQL."""
    return and_(
        tracks.c.status == TrackStatus.PUBLISHED,
        tracks.c.current_revision.is_not(None),
        or_(tracks.c.available_from.is_(None), tracks.c.available_from <= now),
    )


async def popular(tx: Tx, *, limit: int, now: datetime) -> tuple[TrackRecord, ...]:
    """Read the tracks that listeners may have at that instant, the most popular first."""
    order = (tracks.c.popularity.desc(), tracks.c.track_id.desc())
    return await records(tx, select(tracks).where(available(now)).order_by(*order).limit(limit))


async def of_ids(tx: Tx, track_ids: Sequence[str]) -> dict[str, TrackRecord]:
    """Read several tracks; those that there are not are not in the answer."""
    if not track_ids:
        return {}
    found = await records(tx, select(tracks).where(tracks.c.track_id.in_(track_ids)))
    return {one.track_id: one for one in found}


async def records(tx: Tx, query: Select[Any]) -> tuple[TrackRecord, ...]:
    """Read what a query of all columns of tracks finds, in its order."""
    rows = await tx.execute(query.add_columns(_CREDITS.label("credits")))
    return tuple(_record(dict(row)) for row in rows.mappings())


def _record(values: dict[str, Any]) -> TrackRecord:
    del values["folded_title"]
    values["status"] = TrackStatus(values["status"])
    artists = tuple(credit for _, credit in sorted(values.pop("credits") or ()))
    return TrackRecord(artists=artists, **values)


async def _read_revisions(tx: Tx, query: Select[Any]) -> tuple[RevisionRecord, ...]:
    """Read what a query of all columns of revisions finds, in its order."""
    rows = await tx.execute(query.add_columns(_RENDITIONS.label("renditions")))
    return tuple(_revision_record(dict(row)) for row in rows.mappings())


def _revision_record(values: dict[str, Any]) -> RevisionRecord:
    track_id, created_at = values.pop("track_id"), values.pop("created_at")
    found = sorted(values.pop("renditions") or ())
    values["notes"] = tuple(values["notes"])
    if values["loudness_blocks"] is not None:
        values["loudness_blocks"] = LoudnessBlocks.read(values["loudness_blocks"])
    made = tuple(RenditionRecord(*one) for _, *one in found)
    return RevisionRecord(track_id, created_at, RevisionDraft(**values, renditions=made))

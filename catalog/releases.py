"""Reading releases."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    select,
    true,
    union,
    update,
)

from catalog.album_loudness import AlbumLoudness, LoudnessBlocks, TrackLoudness, album_loudness
from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.folding import fold
from catalog.paging import page_of
from catalog.records import CoverPicture, ReleaseRecord
from catalog.schema import releases, revisions, tracks
from catalog.tracks import available

_HIDDEN = frozenset(
    {"folded_title", "folded_artist", "sort_date", "created_at", "updated_at"}
)  # not in the record
_OF_RELEASE = tracks.c.release_id == releases.c.release_id


async def get(tx: Tx, release_id: str, *, now: datetime | None = None) -> ReleaseRecord:
    """Read a release, all of its tracks counted; NotFound where there is none.

    With `now` given only those are counted that listeners may have at that instant.
    """
    counted = true() if now is None else available(now)
    query = _with_count(counted).where(releases.c.release_id == release_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("release", release_id)
    return _record(row)


async def of_ids(tx: Tx, release_ids: Collection[str], now: datetime) -> dict[str, ReleaseRecord]:
    """Read several that have something for listeners at that instant."""
    if not release_ids:
        return {}
    query = _with_count(available(now)).where(releases.c.release_id.in_(release_ids))
    rows = (await tx.execute(query)).mappings()
    return {row["release_id"]: _record(row) for row in rows if row["track_count"]}


async def find(tx: Tx, text: str) -> tuple[ReleaseRecord, ...]:
    """Find releases by what an operator types: id, UPC, or title.

    A title must be whole, but case and accents do not count. In order of artist and id.
    """
    matches = (
        releases.c.release_id == text,
        releases.c.upc == text.replace(" ", ""),
        releases.c.folded_title == fold(text),
    )
    found = union(*(select(releases.c.release_id).where(one) for one in matches))
    query = _with_count(true()).where(releases.c.release_id.in_(found))
    rows = await tx.execute(query.order_by(releases.c.folded_artist, releases.c.release_id))
    return tuple(_record(row) for row in rows.mappings())


async def list_page(
    tx: Tx, *, after: str | None, limit: int, offset: int = 0, now: datetime | None = None
) -> tuple[ReleaseRecord, ...]:
    """Read the `limit` releases that follow the one with id `after` (None: from the start).

    An `offset` is counted from there, row by row.

    In order of artist, date and title. With `now` given only releases that have something for
    listeners at that instant, and only such tracks are counted. NotFound for an unknown `after`.
    """
    order = (
        releases.c.folded_artist,
        releases.c.sort_date,
        releases.c.folded_title,
        releases.c.release_id,
    )
    query = _with_count(true() if now is None else available(now))
    if now is not None:
        query = query.where(exists().where(_OF_RELEASE, available(now)))
    identity = releases.c.release_id
    page = await page_of(
        tx, query, order, identity=identity, after=after, limit=limit, offset=offset
    )
    rows = await tx.execute(page)
    return tuple(_record(row) for row in rows.mappings())


async def count(tx: Tx, now: datetime) -> int:
    """Count the releases that have something for listeners at that instant; all are looked at."""
    query = select(func.count(tracks.c.release_id.distinct())).where(available(now))
    return int((await tx.execute(query)).scalar_one())


async def loudness_of_tracks(
    tx: Tx, release_id: str, *, without: Collection[str] = ()
) -> tuple[TrackLoudness, ...] | None:
    """Read what the current revisions of a release's tracks give to its loudness.

    Whether listeners may have them does not matter. None where one of them has no blocks (it was
    ingested before they were kept). Tracks `without` are left out.
    """
    of_track = and_(
        revisions.c.track_id == tracks.c.track_id, revisions.c.revision == tracks.c.current_revision
    )
    query = (
        select(revisions.c.loudness_blocks, revisions.c.true_peak_dbtp)
        .join(tracks, of_track)
        .where(tracks.c.release_id == release_id, tracks.c.track_id.not_in(without))
    )
    rows = (await tx.execute(query)).all()
    if any(row.loudness_blocks is None for row in rows):
        return None
    return tuple(
        TrackLoudness(LoudnessBlocks.read(row.loudness_blocks), row.true_peak_dbtp) for row in rows
    )


async def measure(tx: Tx, release_id: str) -> None:
    """Keep the loudness of all of its tracks together, which one of them has changed.

    Whoever calls this holds the release.
    """
    measured = await loudness_of_tracks(tx, release_id)
    loudness = AlbumLoudness(None, None, None) if measured is None else album_loudness(measured)
    await tx.execute(
        update(releases).where(releases.c.release_id == release_id).values(**asdict(loudness))
    )


def _with_count(counted: ColumnElement[bool]) -> Select[Any]:
    """Releases with a count each: of those that are read, however many there are."""
    count = select(func.count()).where(_OF_RELEASE, counted).scalar_subquery()
    return select(releases, count.label("track_count"))


def _record(row: Mapping[str, Any]) -> ReleaseRecord:
    values = {name: value for name, value in row.items() if name not in _HIDDEN}
    pictures = tuple(CoverPicture(*one) for one in values.pop("cover_pictures") or ())
    return ReleaseRecord(cover_pictures=pictures, **values)

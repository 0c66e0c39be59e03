"""Reading artists, and the most popular of their tracks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select

from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.folding import fold
from catalog.paging import page_of
from catalog.records import ArtistRecord, TrackRecord
from catalog.schema import artists, track_artists, tracks
from catalog.tracks import available, records

_CREDITED = and_(
    track_artists.c.artist_id == artists.c.artist_id, tracks.c.track_id == track_artists.c.track_id
)
_earlier = track_artists.alias("earlier")
_IS_CREDITED_BEFORE = exists().where(  # on the same track, by the same name or another
    _earlier.c.track_id == track_artists.c.track_id,
    _earlier.c.artist_id == track_artists.c.artist_id,
    _earlier.c.position < track_artists.c.position,
)


async def get(tx: Tx, artist_id: int, now: datetime) -> ArtistRecord:
    """Read an artist; NotFound for one of whom listeners may have nothing at that instant."""
    found = await tx.execute(_counted(now).where(artists.c.artist_id == artist_id))
    row = found.one_or_none()
    if row is None or not row.track_count:
        raise NotFound("artist", str(artist_id))
    return ArtistRecord(*row)


async def require(tx: Tx, artist_id: int, now: datetime) -> None:
    """NotFound for an artist of whom listeners may have nothing at that instant."""
    query = select(artists.c.artist_id).where(artists.c.artist_id == artist_id)
    if (await tx.execute(query.where(exists().where(is_credited(now))))).first() is None:
        raise NotFound("artist", str(artist_id))


async def find(tx: Tx, name: str) -> tuple[int, ...]:
    """Find artists by name; case and accents do not count. One of each tenant at most."""
    query = select(artists.c.artist_id).where(artists.c.folded == fold(name))
    return tuple((await tx.execute(query.order_by(artists.c.artist_id))).scalars())


async def of_ids(tx: Tx, artist_ids: list[int], now: datetime) -> dict[int, ArtistRecord]:
    """Read several; those who there are not, or of whom there is nothing, are not in the answer."""
    if not artist_ids:
        return {}
    rows = await tx.execute(_counted(now).where(artists.c.artist_id.in_(artist_ids)))
    return {row.artist_id: ArtistRecord(*row) for row in rows if row.track_count}


async def list_page(
    tx: Tx, *, after: int | None, limit: int, offset: int = 0, now: datetime
) -> tuple[ArtistRecord, ...]:
    """Read the `limit` artists that follow the one of that number, in order of name.

    NotFound for an unknown `after`. An `offset` is counted from there, row by row.
    """
    order = (artists.c.folded, artists.c.artist_id)
    identity = artists.c.artist_id
    heard = _counted(now).where(exists().where(is_credited(now)))
    page = await page_of(
        tx, heard, order, identity=identity, after=after, limit=limit, offset=offset
    )
    rows = await tx.execute(page)
    return tuple(ArtistRecord(*row) for row in rows)


async def count(tx: Tx, now: datetime) -> int:
    """Count the artists of whom listeners may have something at that instant."""
    credited = track_artists.c.track_id == tracks.c.track_id
    query = select(func.count(track_artists.c.artist_id.distinct())).where(credited, available(now))
    return int((await tx.execute(query)).scalar_one())


async def top_tracks(
    tx: Tx, artist_id: int, *, limit: int, now: datetime
) -> tuple[TrackRecord, ...]:
    """Read the tracks of an artist that listeners may have, the most popular first."""
    query = (
        select(tracks)
        .join(track_artists, track_artists.c.track_id == tracks.c.track_id)
        .where(track_artists.c.artist_id == artist_id, available(now), ~_IS_CREDITED_BEFORE)
        .order_by(track_artists.c.popularity.desc(), track_artists.c.track_id.desc())
        .limit(limit)
    )
    return await records(tx, query)


def is_credited(now: datetime) -> ColumnElement[bool]:
    """Condition for tracks of an artist that listeners may have at that instant."""
    return and_(_CREDITED, available(now))


def _counted(now: datetime) -> Select[Any]:
    """Artists, with how many tracks there are of them and how popular the first is."""
    number = func.count(tracks.c.track_id.distinct())
    tracks_of = select(number).where(is_credited(now)).scalar_subquery()
    most = select(func.max(track_artists.c.popularity)).where(
        track_artists.c.artist_id == artists.c.artist_id
    )
    return select(
        artists.c.artist_id,
        artists.c.name,
        tracks_of.label("track_count"),
        most.scalar_subquery().label("popularity"),
    )

"""How popular tracks are: what search, trending and an artist's top songs are ordered by.

A number of plays of whatever span the service counts in; a new track has zero. It is written by
`headwater popularity`: of `catalog.plays`, or of what a service says that counts better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update

from catalog import changes, search_entries
from catalog.batches import IDS_AT_ONCE, batches
from catalog.engine import Tx
from catalog.schema import track_artists, tracks

MOST_AT_ONCE = 500  # tracks in one transaction, so that publishers do not wait


async def put(tx: Tx, plays: Mapping[str, int]) -> None:
    """Set the popularity of at most `MOST_AT_ONCE` tracks; one that there is not is left out.

    A release, and an artist, are as popular as their most popular track.
    """
    query = select(tracks.c.track_id, tracks.c.release_id, tracks.c.popularity)
    rows = (await tx.execute(query.where(tracks.c.track_id.in_(plays)))).all()
    changed = {
        row.track_id: row.release_id for row in rows if row.popularity != plays[row.track_id]
    }
    for track_id in sorted(changed):
        for table in (tracks, track_artists):
            await tx.execute(
                update(table).where(table.c.track_id == track_id).values(popularity=plays[track_id])
            )
    credited = select(track_artists.c.artist_id).where(track_artists.c.track_id.in_(changed))
    artist_ids = set((await tx.execute(credited)).scalars())
    release_ids = {one for one in changed.values() if one is not None}
    await search_entries.refresh(
        tx, track_ids=changed, release_ids=release_ids, artist_ids=artist_ids
    )
    await changes.note(tx, changed)


async def ids_of(tx: Tx, names: Sequence[str]) -> dict[str, list[str]]:
    """Find tracks by id or ISRC, of which there may be one of each tenant; by that name."""
    found: dict[str, list[str]] = {}
    for some in batches(names, IDS_AT_ONCE):
        for column in (tracks.c.track_id, tracks.c.isrc):
            rows = await tx.execute(select(column, tracks.c.track_id).where(column.in_(some)))
            for name, track_id in rows:
                found.setdefault(name, []).append(track_id)
    return found


async def popular_ids(tx: Tx) -> list[str]:
    """Read the ids of all tracks that were ever said to be played."""
    query = select(tracks.c.track_id).where(tracks.c.popularity > 0)
    return list((await tx.execute(query)).scalars())

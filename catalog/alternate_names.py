"""Other names that a track, a release or an artist is found by: translations, former names."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from catalog import changes, search_entries
from catalog.engine import Tx
from catalog.errors import NotFound
from catalog.schema import alternate_names, artists, releases, track_artists, tracks


async def put(tx: Tx, owner: str, names: Sequence[str]) -> None:
    """Set the other names of a track or release (by its id) or an artist (by the number's digits).

    NotFound where there is no such thing. An artist's other names find their tracks, too.
    """
    track_ids, release_ids, artist_ids = await _named(tx, owner)
    await tx.execute(delete(alternate_names).where(alternate_names.c.owner == owner))
    rows = [{"owner": owner, "position": at, "name": name} for at, name in enumerate(names)]
    if rows:
        await tx.execute(insert(alternate_names), rows)
    await search_entries.refresh(
        tx, track_ids=track_ids, release_ids=release_ids, artist_ids=artist_ids
    )
    await changes.note(tx, [owner])


async def of(tx: Tx, owner: str) -> tuple[str, ...]:
    """Read the other names of something, in their order."""
    query = select(alternate_names.c.name).where(alternate_names.c.owner == owner)
    return tuple((await tx.execute(query.order_by(alternate_names.c.position))).scalars())


async def _named(tx: Tx, owner: str) -> tuple[list[str], list[str], list[int]]:
    """The tracks, releases and artists whose entries show the owner's names."""
    if owner.isdigit():
        number = int(owner)
        query = select(track_artists.c.track_id).where(track_artists.c.artist_id == number)
        found = await tx.execute(select(artists).where(artists.c.artist_id == number))
        if found.first() is not None:
            return list((await tx.execute(query)).scalars()), [], [number]
    for column, named in (
        (tracks.c.track_id, ([owner], [], [])),
        (releases.c.release_id, ([], [owner], [])),
    ):
        if (await tx.execute(select(column).where(column == owner))).first() is not None:
            return named
    raise NotFound("track, release or artist", owner)

"""What search found, by its name alone: all that completions need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import String, cast, exists, literal, select, union_all

from catalog.artists import is_credited
from catalog.engine import Tx
from catalog.schema import artists, releases, tracks
from catalog.search_entries import Kind
from catalog.tracks import available


async def of_items(
    tx: Tx, found: Mapping[Kind, Sequence[str]], now: datetime
) -> dict[tuple[Kind, str], str]:
    """Read the names of these, of which listeners have something at that instant."""
    track_ids, release_ids = found.get(Kind.TRACK, ()), found.get(Kind.RELEASE, ())
    artist_ids = [int(one) for one in found.get(Kind.ARTIST, ())]
    of_release = tracks.c.release_id == releases.c.release_id
    query = union_all(
        select(literal(Kind.TRACK.value), tracks.c.track_id, tracks.c.title).where(
            tracks.c.track_id.in_(track_ids), available(now)
        ),
        select(literal(Kind.RELEASE.value), releases.c.release_id, releases.c.title).where(
            releases.c.release_id.in_(release_ids), exists().where(of_release, available(now))
        ),
        select(literal(Kind.ARTIST.value), cast(artists.c.artist_id, String), artists.c.name).where(
            artists.c.artist_id.in_(artist_ids), exists().where(is_credited(now))
        ),
    )
    rows = await tx.execute(query)
    return {(Kind(kind), item_id): name for kind, item_id, name in rows}

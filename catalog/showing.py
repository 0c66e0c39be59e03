"""What listeners see of a track, and of what it is shown with, while it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select

from catalog import changes, search_entries
from catalog.engine import Tx
from catalog.schema import releases, track_artists, tracks


@dataclass(frozen=True, slots=True)
class _Shown:
    albums: dict[str, tuple[str, str] | None]  # by release: title and artist; None: there is none
    artist_ids: frozenset[int]


@asynccontextmanager
async def showing(tx: Tx, track_id: str, *release_ids: str) -> AsyncIterator[None]:
    """Change a track inside, and what it shows of these releases besides its own.

    Afterwards search finds it, its releases and its artists as they are, and they are noted as
    changed. A release that got another name takes all of its tracks with it.
    """
    before = await _look(tx, track_id, release_ids)
    yield
    now = await _look(tx, track_id, before.albums)
    track_ids = {track_id}
    for release_id, named in now.albums.items():
        if named != before.albums.get(release_id):
            query = select(tracks.c.track_id).where(tracks.c.release_id == release_id)
            track_ids.update((await tx.execute(query)).scalars())
    artist_ids = before.artist_ids | now.artist_ids
    await search_entries.refresh(
        tx, track_ids=track_ids, release_ids=now.albums, artist_ids=artist_ids
    )
    await changes.note(tx, {*track_ids, *now.albums, *map(str, artist_ids)})


async def _look(tx: Tx, track_id: str, release_ids: Collection[str]) -> _Shown:
    of_track = select(tracks.c.release_id).where(tracks.c.track_id == track_id)
    own = (await tx.execute(of_track)).scalar_one_or_none()
    wanted = {*release_ids, *({own} if own is not None else ())}
    named = select(releases.c.release_id, releases.c.title, releases.c.artist)
    found = await tx.execute(named.where(releases.c.release_id.in_(wanted)))
    albums: dict[str, tuple[str, str] | None] = dict.fromkeys(wanted)
    albums |= {row.release_id: (row.title, row.artist) for row in found}
    credited = select(track_artists.c.artist_id).where(track_artists.c.track_id == track_id)
    return _Shown(albums, frozenset((await tx.execute(credited)).scalars()))

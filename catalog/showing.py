"""What listeners see of a track, and of what it is shown with, while it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import String, cast, literal, select, union_all

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
    """In one statement: each costs a way to the database and back, and this is asked twice."""
    album = select(literal(True), releases.c.release_id, releases.c.title, releases.c.artist)
    own = album.join(tracks, tracks.c.release_id == releases.c.release_id)
    artist_id = cast(track_artists.c.artist_id, String)
    credited = select(literal(False), artist_id, literal(""), literal(""))
    found = await tx.execute(
        union_all(
            own.where(tracks.c.track_id == track_id),
            album.where(releases.c.release_id.in_(release_ids)),
            credited.where(track_artists.c.track_id == track_id),
        )
    )
    albums: dict[str, tuple[str, str] | None] = dict.fromkeys(release_ids)
    artist_ids = set()
    for is_release, item_id, title, artist in found:
        if is_release:
            albums[item_id] = (title, artist)
        else:
            artist_ids.add(int(item_id))
    return _Shown(albums, frozenset(artist_ids))

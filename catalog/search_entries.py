"""What search knows of each track, release and artist: kept with them, in the same transaction.

Only what is published is in it (an embargo is looked at when something is found). Triggers of the
database keep its index (`search_index`) and the list of words for spelling (`search_spelling`) by
`search_entries` and `search_words`: see the migration that makes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, delete, exists, false, func, or_, select, update

from catalog.batches import batches
from catalog.database import Tx
from catalog.records import TrackStatus
from catalog.schema import (
    alternate_names,
    artists,
    releases,
    search_entries,
    search_words,
    track_artists,
    tracks,
)
from catalog.upsert import upsert_all
from catalog.words import indexed, is_unspaced

T = TypeVar("T")
_Credits = Mapping[str, Sequence[Any]]  # by track, in order
_Names = Mapping[str, Sequence[str]]  # other names, by whose they are

_HEAVIEST = 63
_BATCH = 500
_PUBLISHED = and_(tracks.c.status == TrackStatus.PUBLISHED, tracks.c.current_revision.is_not(None))


class Kind(IntEnum):
    """What an entry is of."""

    TRACK = 1
    RELEASE = 2
    ARTIST = 3


Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of `search_entries`; texts are words, folded, with one space between them."""

    kind: Kind
    item_id: str  # an artist's is its number in digits
    title: str
    artists: str
    album: str
    other: str
    popularity: int
    weight: int  # the class of popularity in the order of which entries are found


def weight_of(popularity: int) -> int:
    """0 to 63: twice as many plays are one more."""
    return min(max(popularity, 0).bit_length(), _HEAVIEST)


async def refresh(
    tx: Tx,
    *,
    track_ids: Collection[str] = (),
    release_ids: Collection[str] = (),
    artist_ids: Collection[int] = (),
) -> None:
    """Make the entries of these as they are now. Only what differs is written."""
    keys: list[Key] = [
        *((Kind.TRACK, one) for one in track_ids),
        *((Kind.RELEASE, one) for one in release_ids),
        *((Kind.ARTIST, str(one)) for one in artist_ids),
    ]
    credits_ = await _credits(tx, track_ids)
    every_artist = {one.artist_id for one in chain(*credits_.values())}.union(artist_ids)
    others = await _alternates(tx, {*track_ids, *release_ids, *map(str, every_artist)})
    made = [
        *await _of_tracks(tx, track_ids, credits_, others),
        *await _of_releases(tx, release_ids, others),
        *await _of_artists(tx, artist_ids, others),
    ]
    await _write(tx, sorted(keys), {(one.kind, one.item_id): one for one in made})


async def fill(tx: Tx) -> None:
    """Make all entries of a catalog that has none yet."""
    if (await tx.execute(select(search_entries.c.entry_id).limit(1))).first() is not None:
        return
    for batch in await _ids(tx, tracks.c.track_id):
        await refresh(tx, track_ids=batch)
    for batch in await _ids(tx, releases.c.release_id):
        await refresh(tx, release_ids=batch)
    for numbers in await _ids(tx, artists.c.artist_id):
        await refresh(tx, artist_ids=numbers)


async def _ids(tx: Tx, column: ColumnElement[T]) -> Iterator[Sequence[T]]:
    found = await tx.execute(select(column).order_by(column))
    return batches(list(found.scalars()), _BATCH)


async def _credits(tx: Tx, track_ids: Collection[str]) -> _Credits:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    if track_ids:
        query = select(track_artists.c.track_id, track_artists.c.credit, track_artists.c.artist_id)
        query = query.where(track_artists.c.track_id.in_(track_ids))
        for row in await tx.execute(query.order_by(track_artists.c.position)):
            found[row.track_id].append(row)
    return found


async def _of_tracks(
    tx: Tx, track_ids: Collection[str], credits_: _Credits, others: _Names
) -> list[Entry]:
    if not track_ids:
        return []
    query = (
        select(
            tracks.c.track_id,
            tracks.c.title,
            tracks.c.genre,
            tracks.c.popularity,
            releases.c.title.label("album"),
            releases.c.artist.label("album_artist"),
        )
        .outerjoin(releases, releases.c.release_id == tracks.c.release_id)
        .where(tracks.c.track_id.in_(track_ids), _PUBLISHED)
    )
    return [
        _entry(
            (Kind.TRACK, row.track_id),
            row.title,
            (one.credit for one in credits_[row.track_id]),
            (row.album, row.album_artist),
            (
                row.genre,
                *others[row.track_id],
                *chain(*(others[str(one.artist_id)] for one in credits_[row.track_id])),
            ),
            row.popularity,
        )
        for row in await tx.execute(query)
    ]


async def _of_releases(tx: Tx, release_ids: Collection[str], others: _Names) -> list[Entry]:
    if not release_ids:
        return []
    query = (
        select(
            releases.c.release_id,
            releases.c.title,
            releases.c.artist,
            func.max(tracks.c.popularity).label("popularity"),
        )
        .join(tracks, tracks.c.release_id == releases.c.release_id)
        .where(releases.c.release_id.in_(release_ids), _PUBLISHED)
        .group_by(releases.c.release_id)
    )
    return [
        _entry(
            (Kind.RELEASE, row.release_id),
            row.title,
            (row.artist,),
            (),
            others[row.release_id],
            row.popularity,
        )
        for row in await tx.execute(query)
    ]


async def _of_artists(tx: Tx, artist_ids: Collection[int], others: _Names) -> list[Entry]:
    if not artist_ids:
        return []
    of_artist = track_artists.c.artist_id == artists.c.artist_id
    most = select(func.max(track_artists.c.popularity)).where(of_artist).scalar_subquery()
    is_heard = exists().where(of_artist, tracks.c.track_id == track_artists.c.track_id, _PUBLISHED)
    query = select(artists.c.artist_id, artists.c.name, most.label("popularity")).where(
        artists.c.artist_id.in_(artist_ids), is_heard
    )
    return [
        _entry(
            (Kind.ARTIST, str(row.artist_id)),
            row.name,
            (),
            (),
            others[str(row.artist_id)],
            row.popularity,
        )
        for row in await tx.execute(query)
    ]


async def _alternates(tx: Tx, owners: Collection[str]) -> _Names:
    found: defaultdict[str, list[str]] = defaultdict(list)
    query = select(alternate_names).where(alternate_names.c.owner.in_(owners))
    for row in await tx.execute(
        query.order_by(alternate_names.c.owner, alternate_names.c.position)
    ):
        found[row.owner].append(row.name)
    return found


def _entry(
    key: Key,
    title: str,
    of: Iterable[str],
    album: Iterable[str | None],
    other: Iterable[str | None],
    popularity: int,
) -> Entry:
    return Entry(
        *key,
        title=_words((title,)),
        artists=_words(of),
        album=_words(album),
        other=_words(other),
        popularity=popularity,
        weight=weight_of(popularity),
    )


def _words(texts: Iterable[str | None]) -> str:
    found = chain(*(indexed(one) for one in texts if one is not None))
    return " ".join(dict.fromkeys(found))


async def _write(tx: Tx, keys: Sequence[Key], made: Mapping[Key, Entry]) -> None:
    """Bring rows to what was made, in the order of their keys, which is every writer's."""
    query = select(search_entries).where(_among(keys))
    before: dict[Key, Entry] = {}
    for row in (await tx.execute(query)).mappings():
        values = {name: value for name, value in row.items() if name != "entry_id"}
        entry = Entry(**{**values, "kind": Kind(values["kind"])})
        before[entry.kind, entry.item_id] = entry
    gone = [key for key in keys if key in before and key not in made]
    if gone:
        await tx.execute(delete(search_entries).where(_among(gone)))
    new = [asdict(made[key]) for key in keys if key in made and key not in before]
    if new:
        names = ["title", "artists", "album", "other", "popularity", "weight"]
        await upsert_all(tx, search_entries, new, keys=["kind", "item_id"], update=names)
    for key in keys:
        if key in made and key in before and made[key] != before[key]:
            await tx.execute(
                update(search_entries)
                .where(search_entries.c.kind == key[0], search_entries.c.item_id == key[1])
                .values(**asdict(made[key]))
            )
    await _learn(tx, [one for key, one in made.items() if before.get(key) != one])


def _among(keys: Sequence[Key]) -> ColumnElement[bool]:
    """Condition for the entries of these; as rows of two values SQLite would not find them."""
    return or_(
        false(),
        *(
            and_(
                search_entries.c.kind == kind,
                search_entries.c.item_id.in_([one for of, one in keys if of is kind]),
            )
            for kind in sorted({kind for kind, _ in keys})
        ),
    )


def is_kept(word: str) -> bool:
    """Whether a word is one that spelling is compared with."""
    return len(word) > 2 and not any(map(str.isdigit, word)) and not is_unspaced(word)


async def _learn(tx: Tx, entries: Iterable[Entry]) -> None:
    """Keep the words that spelling is compared with; they are never forgotten, which harms none."""
    words = {
        word
        for one in entries
        for text in (one.title, one.artists, one.album, one.other)
        for word in text.split()
        if is_kept(word)
    }
    if not words:
        return
    query = select(search_words.c.word).where(search_words.c.word.in_(words))
    new = sorted(words.difference((await tx.execute(query)).scalars()))
    if new:
        rows = [{"word": word} for word in new]
        await upsert_all(tx, search_words, rows, keys=["word"], update=[])

"""What `headwater verify` and `headwater gc` ask: which objects there ought to be, which not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select, tuple_

from catalog import masters
from catalog.engine import Tx
from catalog.locks import Held, hold
from catalog.records import JobState
from catalog.schema import jobs, keys, releases, renditions, revisions, takedowns, tracks

Name = tuple[str, str]  # a revision: track id, revision


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A track file as it was published."""

    name: str  # of the rendition
    object_key: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision with the files that make it."""

    track_id: str
    revision: str
    scheme: str
    is_down: bool  # taken down: its manifests are gone
    files: tuple[StoredFile, ...]

    @property
    def name(self) -> Name:
        """Which one it is."""
        return self.track_id, self.revision


async def revision_page(
    tx: Tx, after: Name, limit: int, *, track_id: str | None = None
) -> tuple[StoredRevision, ...]:
    """Read revisions by track and revision, from the one after that (("", ""): from the first).

    Only those of a track, where one is given.
    """
    place = (revisions.c.track_id, revisions.c.revision)
    down = takedowns.c.track_id.is_not(None)
    query = (
        select(*place, revisions.c.scheme, down)
        .join(takedowns, takedowns.c.track_id == revisions.c.track_id, isouter=True)
        .where(tuple_(*place) > tuple_(*after))
    )
    if track_id is not None:
        query = query.where(revisions.c.track_id == track_id)
    rows = (await tx.execute(query.order_by(*place).limit(limit))).all()
    files = await _files(tx, [(row.track_id, row.revision) for row in rows])
    return tuple(
        StoredRevision(row[0], row[1], row[2], row[3], files.get((row[0], row[1]), ()))
        for row in rows
    )


async def published_since(tx: Tx, instant: datetime) -> frozenset[Name]:
    """The revisions that were published since then."""
    query = select(revisions.c.track_id, revisions.c.revision)
    rows = await tx.execute(query.where(revisions.c.created_at >= instant))
    return frozenset((row[0], row[1]) for row in rows)


async def covers_in_use(tx: Tx, keys: Collection[str]) -> frozenset[str]:
    """Which of these objects are the cover of a release, as it came (its sizes, indexes name)."""
    query = select(releases.c.cover_key).where(releases.c.cover_key.in_(keys))
    return frozenset((await tx.execute(query)).scalars())


async def known(tx: Tx, names: Collection[Name]) -> frozenset[Name]:
    """Which of these revisions the catalog has."""
    place = (revisions.c.track_id, revisions.c.revision)
    query = select(*place).where(revisions.c.track_id.in_({track for track, _ in names}))
    return frozenset((row[0], row[1]) for row in await tx.execute(query)) & frozenset(names)


async def being_written(tx: Tx) -> frozenset[Name]:
    """The revisions whose objects running jobs may be writing now."""
    query = select(jobs.c.track_id, jobs.c.revision).where(_writes())
    return frozenset((row[0], row[1]) for row in await tx.execute(query))


async def keep_writers_out(tx: Tx) -> bool:
    """Let no job begin to write until this transaction ends; False where one writes already."""
    await hold(tx, Held.OBJECTS, "shared")
    return (await tx.execute(select(jobs.c.job_id).where(_writes()).limit(1))).first() is None


async def superseded_page(
    tx: Tx, before: datetime, after: Name, limit: int
) -> tuple[tuple[Name, datetime], ...]:
    """Read revisions that were not current since before that instant, and since when at least.

    A track's row changes when another revision becomes current, so its last change is a bound.
    """
    place = (revisions.c.track_id, revisions.c.revision)
    query = (
        select(*place, tracks.c.updated_at)
        .join(tracks, tracks.c.track_id == revisions.c.track_id)
        .where(_is_superseded(before), tuple_(*place) > tuple_(*after))
    )
    rows = await tx.execute(query.order_by(*place).limit(limit))
    return tuple(((row[0], row[1]), row[2]) for row in rows)


async def expire(tx: Tx, name: Name, before: datetime) -> bool:
    """Take a superseded revision and its keys out of the catalog; False if it is not one now."""
    track_id, revision = name
    await hold(tx, Held.TRACK, track_id)
    still = (
        select(revisions.c.revision)
        .join(tracks, tracks.c.track_id == revisions.c.track_id)
        .where(
            revisions.c.track_id == track_id,
            revisions.c.revision == revision,
            _is_superseded(before),
        )
    )
    if (await tx.execute(still)).first() is None:
        return False
    await masters.remember(tx, track_id, revision)
    for table in (keys, renditions, revisions):
        here = and_(table.c.track_id == track_id, table.c.revision == revision)
        await tx.execute(delete(table).where(here))
    return True


async def release_page(tx: Tx, after: str, limit: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read releases by id, each with the object keys of its covers."""
    query = select(releases.c.release_id, releases.c.cover_key, releases.c.cover_pictures)
    query = query.where(releases.c.release_id > after).order_by(releases.c.release_id)
    return tuple(
        (row[0], tuple(_cover_keys(row[1], row[2]))) for row in await tx.execute(query.limit(limit))
    )


def _is_superseded(before: datetime) -> ColumnElement[bool]:
    return and_(
        tracks.c.current_revision.is_not(None),
        tracks.c.current_revision != revisions.c.revision,
        tracks.c.updated_at < before,
        revisions.c.created_at < before,
    )


def _writes() -> ColumnElement[bool]:
    return and_(jobs.c.state == JobState.RUNNING, jobs.c.revision.is_not(None))


def _cover_keys(cover_key: str | None, pictures: list[list[object]] | None) -> set[str]:
    found = {str(one[0]) for one in pictures or ()}
    return found | {cover_key} if cover_key else found


async def _files(tx: Tx, names: Collection[Name]) -> dict[Name, tuple[StoredFile, ...]]:
    """Read the renditions of several revisions at once."""
    one = renditions.c
    query = select(
        one.track_id, one.revision, one.name, one.object_key, one.size, one.sha256
    ).where(one.track_id.in_({track for track, _ in names}))
    found: dict[Name, list[StoredFile]] = {}
    for row in await tx.execute(query.order_by(one.track_id, one.revision, one.position)):
        found.setdefault((row[0], row[1]), []).append(StoredFile(*row[2:]))
    return {name: tuple(files) for name, files in found.items()}

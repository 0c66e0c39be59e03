"""Writing: a revision goes public, or a track's public face changes.

Each function runs inside the caller's transaction, so what it writes is there whole or not at
all. The rules:

- A new revision brings its delivery's metadata and becomes current; the pointer is flipped last.
- A revision that is already there is only made current again: nothing that an operator edited
  since is undone by the same delivery coming twice. What a delivery of it says anew is written
  (`redescribe`), whole.
- What a delivery does not say of a *release* (no label, no cover) does not erase what is known:
  its tracks arrive one by one and not all of them say everything. A *track's* metadata is what
  its newest revision's delivery says, whole; only its release is kept when none is named.
- A release has the loudness of what is current in it: whenever a track's current revision or its
  release changes, it is computed again.
- Two publishers of one track, or of two tracks of one release, come one after the other.
- What looks different afterwards is found so, and is noted for whoever remembers (`showing`).
- Publishing never brings a track back that was unpublished, and never lifts an embargo: only
  `republish` and `embargo` do. While a takedown stands, neither is possible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from catalog import jobs, takedowns
from catalog import tracks as track_queries
from catalog.edits import checked
from catalog.engine import Tx
from catalog.errors import MadeAlready, NotFound
from catalog.folding import fold
from catalog.locks import Held, hold
from catalog.records import Publication, ReleaseDraft, TrackDraft, TrackStatus
from catalog.releases import measure
from catalog.schema import artists, keys, releases, renditions, revisions, track_artists, tracks
from catalog.showing import showing
from catalog.upsert import upsert


async def publish(tx: Tx, publication: Publication, now: datetime) -> None:
    """Make a revision a track's current one, with all that belongs to it. Idempotent.

    MadeAlready where another job has published the same making of the same master meanwhile.
    """
    draft = publication.track
    await hold(tx, Held.TRACK, draft.track_id)
    await takedowns.require_none(tx, draft.track_id)
    before = await _release_of(tx, draft.track_id)
    named = publication.release.release_id if publication.release else None
    await hold(tx, Held.RELEASE, *_named(before, named))
    async with showing(tx, draft.track_id, *_named(named)):
        if not await _has_revision(tx, draft.track_id, publication.revision.revision):
            await _require_first(tx, publication)
            await _put_words(tx, draft, publication.release, now)
            await _add_revision(tx, publication, now)
        await _make_current(tx, draft.track_id, publication.revision.revision, now)
        for release_id in _named(before, await _release_of(tx, draft.track_id)):
            await measure(tx, release_id)
    if publication.job_id is not None:
        await jobs.finish(
            tx,
            publication.job_id,
            now,
            outcome="published",
            master_sha256=publication.revision.master_sha256,
            track_id=draft.track_id,
            revision=publication.revision.revision,
        )


async def redescribe(
    tx: Tx,
    track: TrackDraft,
    release: ReleaseDraft | None,
    revision: str,
    words_sha256: str,
    now: datetime,
) -> None:
    """Write what a delivery says anew of a revision that is there; its sound stays as it is."""
    await hold(tx, Held.TRACK, track.track_id)
    await takedowns.require_none(tx, track.track_id)
    before = await _release_of(tx, track.track_id)
    named = release.release_id if release else None
    await hold(tx, Held.RELEASE, *_named(before, named))
    async with showing(tx, track.track_id, *_named(named)):
        await _put_words(tx, track, release, now)
        await tx.execute(
            update(revisions)
            .where(revisions.c.track_id == track.track_id, revisions.c.revision == revision)
            .values(words_sha256=words_sha256)
        )
        for release_id in _named(before, await _release_of(tx, track.track_id)):
            await measure(tx, release_id)


async def unpublish(tx: Tx, track_id: str, now: datetime) -> None:
    """Take a track from listeners, until it is republished."""
    await hold(tx, Held.TRACK, track_id)
    async with showing(tx, track_id):
        await _change(tx, track_id, {"status": TrackStatus.UNPUBLISHED}, now)


async def republish(tx: Tx, track_id: str, now: datetime) -> None:
    """Bring a track back that was unpublished; an embargo goes on. TakenDown if it may not."""
    await hold(tx, Held.TRACK, track_id)
    await takedowns.require_none(tx, track_id)
    async with showing(tx, track_id):
        await _change(tx, track_id, {"status": TrackStatus.PUBLISHED}, now)


async def embargo(tx: Tx, track_id: str, until: datetime | None, now: datetime) -> None:
    """Keep a track from listeners until that instant; None lifts the embargo."""
    await hold(tx, Held.TRACK, track_id)
    async with showing(tx, track_id):
        await _change(tx, track_id, {"available_from": until}, now)


async def rollback(tx: Tx, track_id: str, revision: str, now: datetime) -> None:
    """Make an earlier (or later) revision current; the track's metadata stays as it is."""
    await hold(tx, Held.TRACK, track_id)
    if not await _has_revision(tx, track_id, revision):
        await track_queries.get(tx, track_id)
        raise NotFound("revision", f"{track_id}/{revision}")
    shown_in = _named(await _release_of(tx, track_id))
    await hold(tx, Held.RELEASE, *shown_in)
    async with showing(tx, track_id):
        await _make_current(tx, track_id, revision, now)
        for release_id in shown_in:
            await measure(tx, release_id)


async def edit(
    tx: Tx, track_id: str, changes: Mapping[str, str | int | None], now: datetime
) -> None:
    """Change a track's metadata; InvalidEdit names the first field that may not be so.

    Editable: title, artists (names in order, separated by "; "), disc, number, genre, date,
    copyright, lyrics. Identity (ISRC, the operator's id) and what was measured are not.
    The next new revision brings its own metadata; the same delivery again changes nothing.
    """
    values = checked(changes)
    if "title" in values:
        values["folded_title"] = fold(values["title"])
    names = values.pop("artists", None)
    await hold(tx, Held.TRACK, track_id)
    async with showing(tx, track_id):
        await _change(tx, track_id, values, now)
        if names is not None:
            track = await track_queries.get(tx, track_id)
            await _put_artists(tx, track_id, track.tenant, names)


async def _has_revision(tx: Tx, track_id: str, revision: str) -> bool:
    query = select(revisions.c.revision).where(
        revisions.c.track_id == track_id, revisions.c.revision == revision
    )
    return (await tx.execute(query)).first() is not None


async def _release_of(tx: Tx, track_id: str) -> str | None:
    query = select(tracks.c.release_id).where(tracks.c.track_id == track_id)
    return (await tx.execute(query)).scalar_one_or_none()


def _named(*release_ids: str | None) -> set[str]:
    return {one for one in release_ids if one is not None}


async def _put_words(
    tx: Tx, track: TrackDraft, release: ReleaseDraft | None, now: datetime
) -> None:
    if release is not None:
        await _put_release(tx, release, track.tenant, now)
    await _put_track(tx, track, release.release_id if release else None, now)
    await _put_artists(tx, track.track_id, track.tenant, track.artists)


async def _put_release(tx: Tx, draft: ReleaseDraft, tenant: str, now: datetime) -> None:
    pictures = draft.cover_pictures
    values = asdict(draft) | {
        "cover_pictures": None if pictures is None else [astuple(one) for one in pictures],
        "tenant": tenant,
        "folded_title": fold(draft.title),
        "folded_artist": fold(draft.artist),
        "sort_date": draft.date or "",
        "created_at": now,
        "updated_at": now,
    }
    kept = {"release_id", "tenant", "created_at"}
    if draft.date is None:
        kept.add("sort_date")
    said = [name for name, value in values.items() if name not in kept and value is not None]
    await upsert(tx, releases, values, keys=["release_id"], update=said)


async def _require_first(tx: Tx, publication: Publication) -> None:
    track_id, draft = publication.track.track_id, publication.revision
    made = await track_queries.find_revision(tx, track_id, draft.master_sha256, draft.recipe_sha256)
    if made is not None and made.draft.revision != publication.instead_of:
        raise MadeAlready(track_id, made.draft.revision)


async def _put_track(tx: Tx, draft: TrackDraft, release_id: str | None, now: datetime) -> None:
    values = asdict(draft) | {
        "release_id": release_id,
        "folded_title": fold(draft.title),
        "status": TrackStatus.PUBLISHED,
        "created_at": now,
        "updated_at": now,
    }
    del values["artists"]
    kept = {"track_id", "tenant", "status", "created_at"}
    if release_id is None:
        kept.add("release_id")
    update = [name for name in values if name not in kept]
    await upsert(tx, tracks, values, keys=["track_id"], update=update)


async def _put_artists(tx: Tx, track_id: str, tenant: str, names: tuple[str, ...]) -> None:
    ids = await _artist_ids(tx, tenant, names)
    await tx.execute(delete(track_artists).where(track_artists.c.track_id == track_id))
    query = select(tracks.c.popularity).where(tracks.c.track_id == track_id)
    popularity = (await tx.execute(query)).scalar_one()
    rows = [
        {
            "track_id": track_id,
            "position": position,
            "artist_id": ids[fold(credit)],
            "credit": credit,
            "popularity": popularity,
        }
        for position, credit in enumerate(names)
    ]
    if rows:
        await tx.execute(insert(track_artists), rows)


async def _artist_ids(tx: Tx, tenant: str, names: tuple[str, ...]) -> dict[str, int]:
    """The artists' ids by their folded names; who is new is added as first credited."""
    by_folded = {fold(name): name for name in reversed(names)}
    query = select(artists.c.folded, artists.c.artist_id).where(
        artists.c.tenant == tenant, artists.c.folded.in_(by_folded)
    )
    found = {row.folded: row.artist_id for row in await tx.execute(query)}
    # In one order everywhere: another publisher of the same new artists waits, not we for each
    # other.
    new = sorted(by_folded.keys() - found.keys())
    for folded in new:
        values = {"tenant": tenant, "name": by_folded[folded], "folded": folded}
        await upsert(tx, artists, values, keys=["tenant", "folded"], update=[])
    if new:
        found = {row.folded: row.artist_id for row in await tx.execute(query)}
    return found


async def _add_revision(tx: Tx, publication: Publication, now: datetime) -> None:
    track_id, draft = publication.track.track_id, publication.revision
    values = asdict(draft) | {"track_id": track_id, "created_at": now, "notes": list(draft.notes)}
    del values["renditions"]
    await tx.execute(insert(revisions).values(**values))
    place = {"track_id": track_id, "revision": draft.revision}
    rows = [
        asdict(one) | place | {"position": position}
        for position, one in enumerate(draft.renditions)
    ]
    if rows:
        await tx.execute(insert(renditions), rows)
    if publication.keys:
        await tx.execute(insert(keys), [asdict(key) for key in publication.keys])


async def _make_current(tx: Tx, track_id: str, revision: str, now: datetime) -> None:
    """Flip the pointer, and the duration with it; nothing changes where it points there already."""
    query = select(revisions.c.master_samples, revisions.c.master_sample_rate_hz).where(
        revisions.c.track_id == track_id, revisions.c.revision == revision
    )
    samples, rate_hz = (await tx.execute(query)).one()
    await tx.execute(
        update(tracks)
        .where(
            tracks.c.track_id == track_id,
            tracks.c.current_revision.is_distinct_from(revision),
        )
        .values(current_revision=revision, duration_s=samples / rate_hz, updated_at=now)
    )


async def _change(tx: Tx, track_id: str, values: Mapping[str, object], now: datetime) -> None:
    done = await tx.execute(
        update(tracks).where(tracks.c.track_id == track_id).values(**values, updated_at=now)
    )
    if done.rowcount == 0:
        raise NotFound("track", track_id)

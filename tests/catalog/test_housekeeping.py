"""What may go, what is archived, what was taken down: on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog import housekeeping, keys, masters, takedowns, tracks
from catalog.engine import Catalog
from catalog.masters import MasterRecord, Place
from catalog.publish import publish, republish, rollback
from catalog.records import Publication, TrackStatus
from catalog.takedowns import TakenDown
from tests.support.publications import make_publication

DAY = timedelta(days=1)


async def two_revisions(catalog: Catalog, now: datetime) -> tuple[str, str, str]:
    """A track whose first revision was replaced now; track, old, new."""
    first, second = (make_publication("a", revision=one) for one in "12")
    async with catalog.begin() as tx:
        await publish(tx, first, now - 30 * DAY)
        await publish(tx, second, now)
    return first.track.track_id, first.revision.revision, second.revision.revision


async def test_a_replaced_revision_goes_when_its_grace_is_over(
    catalog: Catalog, now: datetime
) -> None:
    track, old, new = await two_revisions(catalog, now)
    async with catalog.begin() as tx:
        assert await housekeeping.superseded_page(tx, now, ("", ""), 10) == ()
        assert not await housekeeping.expire(tx, (track, old), now)
        later = now + DAY
        ((name, since),) = await housekeeping.superseded_page(tx, later, ("", ""), 10)
        assert (name, since) == ((track, old), now)
        assert not await housekeeping.expire(tx, (track, new), later)  # the current one
        assert await housekeeping.expire(tx, (track, old), later)
        assert not await housekeeping.expire(tx, (track, old), later)
    async with catalog.connect() as tx:
        assert await keys.for_revision(tx, track, old) == ()
        names = [(track, old), (track, new)]
        assert await housekeeping.known(tx, names) == {(track, new)}
        (left,) = await housekeeping.revision_page(tx, ("", ""), 10)
        assert (left.name, left.is_down, bool(left.files)) == ((track, new), False, True)
        assert await housekeeping.revision_page(tx, left.name, 10) == ()
        assert await housekeeping.published_since(tx, now) == {left.name}
        assert await housekeeping.published_since(tx, now + DAY) == frozenset()
        assert await housekeeping.covers_in_use(tx, ["covers/a.jpg"]) == frozenset()


async def test_a_revision_that_is_current_again_stays(catalog: Catalog, now: datetime) -> None:
    track, old, new = await two_revisions(catalog, now)
    async with catalog.begin() as tx:
        await rollback(tx, track, old, now + DAY)
        assert not await housekeeping.expire(tx, (track, old), now + 9 * DAY)
        assert not await housekeeping.expire(tx, (track, new), now + DAY)
        assert await housekeeping.expire(tx, (track, new), now + 2 * DAY)


async def test_a_takedown_stands_until_it_is_lifted(catalog: Catalog, now: datetime) -> None:
    one = make_publication("a")
    track = one.track.track_id
    async with catalog.begin() as tx:
        await publish(tx, one, now)
        await takedowns.take_down(tx, track, "ada", "notice 7", now)
        await takedowns.take_down(tx, track, "bob", "again", now + DAY)
    with pytest.raises(TakenDown, match="notice 7"):
        async with catalog.begin() as tx:
            await republish(tx, track, now)
    with pytest.raises(TakenDown, match="notice 7"):
        async with catalog.begin() as tx:
            await publish(tx, make_publication("a", revision="2"), now)
    async with catalog.begin() as tx:
        (stored,) = await housekeeping.revision_page(tx, ("", ""), 10)
        assert stored.is_down
        assert (await tracks.get(tx, track)).status is TrackStatus.UNPUBLISHED
        await takedowns.lift(tx, track)
        await republish(tx, track, now)
    async with catalog.connect() as tx:
        assert await takedowns.get(tx, track) is None


async def test_shredding_leaves_the_tracks_row_alone(catalog: Catalog, now: datetime) -> None:
    mine, other = make_publication("a"), make_publication("b")
    track = mine.track.track_id
    async with catalog.begin() as tx:
        await publish(tx, mine, now)
        await publish(tx, other, now)
        await takedowns.take_down(tx, track, "ada", "x", now)
        await takedowns.shred(tx, track, now)
    await takedowns.flush(catalog)
    async with catalog.connect() as tx:
        assert await keys.page(tx, b"", 10, track_id=track) == ()
        assert (await tracks.get(tx, track)).current_revision is None
        (left,) = await housekeeping.revision_page(tx, ("", ""), 10)
        assert left.track_id == other.track.track_id
        found = await takedowns.get(tx, track)
        assert found is not None
        assert found.keys_destroyed_at == now


async def test_the_archive_knows_where_each_master_is(catalog: Catalog, now: datetime) -> None:
    one = make_publication("a")
    sha256 = one.revision.master_sha256
    record = MasterRecord(sha256, f"masters/{sha256}.wav", 10, Place.STORAGE, now)
    async with catalog.begin() as tx:
        await publish(tx, one, now)
        await masters.add(tx, record)
        await masters.add(tx, record)
        assert await masters.page(tx, "", 10, before=now) == ()
        assert await masters.page(tx, "", 10, place=Place.STORAGE, before=now + DAY) == (record,)
        assert await masters.known(tx, [record.object_key, "x"]) == {record.object_key}
        assert await masters.of_track(tx, one.track.track_id) == (record,)
        await masters.move(tx, sha256, Place.COLD)
        assert await masters.known(tx, [record.object_key]) == frozenset()
        assert await masters.page(tx, "", 10, place=Place.STORAGE) == ()
        await masters.forget(tx, sha256)
        assert await masters.page(tx, "", 10) == ()


async def test_whose_a_master_is_is_known_when_its_revision_is_gone(
    catalog: Catalog, now: datetime
) -> None:
    mine, other = make_publication("a"), make_publication("b")
    first, second, shared = (
        MasterRecord(letter * 64, f"masters/{letter * 64}.wav", 10, Place.STORAGE, now)
        for letter in "123"
    )

    async def archived(one: Publication, number: int, record: MasterRecord) -> str:
        draft = replace(one.revision, revision=f"{number:016}", master_sha256=record.master_sha256)
        async with catalog.begin() as tx:
            await publish(tx, replace(one, revision=draft, keys=()), now + number * DAY)
            await masters.add(tx, record)
        return draft.revision

    track = mine.track.track_id
    old = [await archived(mine, 1, first), await archived(mine, 2, shared)]
    await archived(mine, 3, second)
    await archived(other, 4, shared)
    await archived(other, 5, replace(shared, master_sha256="5" * 64))
    later = now + 30 * DAY
    async with catalog.begin() as tx:
        assert await masters.of_track(tx, track) == (first, second)
        for revision in old:
            assert await housekeeping.expire(tx, (track, revision), later)
        assert await housekeeping.expire(tx, (other.track.track_id, f"{4:016}"), later)
        assert await masters.of_track(tx, track) == (first, second)
        await takedowns.take_down(tx, track, "ada", "x", now)
        await takedowns.shred(tx, track, now)
        assert await masters.of_track(tx, track) == (first, second)
        await masters.forget(tx, first.master_sha256)
        assert await masters.of_track(tx, track) == (second,)
        await takedowns.shred(tx, other.track.track_id, now)  # and so the shared one is nobody's
        assert await masters.of_track(tx, track) == (second, shared)


async def test_writers_are_kept_out_while_none_writes(catalog: Catalog) -> None:
    async with catalog.begin() as tx:
        assert await housekeeping.keep_writers_out(tx)
        assert await housekeeping.being_written(tx) == frozenset()

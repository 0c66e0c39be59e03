"""What labels send in, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog import jobs, uploads
from catalog.engine import Catalog
from catalog.errors import NotFound
from catalog.publish import publish
from catalog.records import JobQueue, MasterSource, UploadRecord, UploadState
from tests.support.publications import make_publication

DAY = timedelta(days=1)
TRACK = "t" + "a" * 20


def upload(now: datetime, number: int = 1, owner: str = "label") -> UploadRecord:
    return UploadRecord(
        f"{number:032x}", "default", owner, "a.wav", {"title": "Ä"}, 100, now, now + DAY
    )


async def test_it_goes_from_open_to_done_and_no_further(catalog: Catalog, now: datetime) -> None:
    one = upload(now)
    source = MasterSource("/uploads/a.wav", upload_id=one.upload_id)
    async with catalog.begin() as tx:
        await uploads.add(tx, one)
        await uploads.advance(tx, one.upload_id, 100, now + 2 * DAY)
        (whole,) = await uploads.whole_page(tx, "default", "", 10)
        assert whole.received == 100
        assert not await uploads.whole_page(tx, "other", "", 10)
        assert not await uploads.whole_page(tx, "default", one.upload_id, 10)
        job = await jobs.submit(tx, "1", source, tenant="default", queue=JobQueue.HOT, now=now)
        assert (await jobs.get(tx, job)).source == source
        await uploads.complete(
            tx, one.upload_id, job, track_id=TRACK, duration_s=2.5, estimate_s=3.5
        )
        with pytest.raises(NotFound):
            await uploads.advance(tx, one.upload_id, 50, now)
        with pytest.raises(NotFound):
            await uploads.end(tx, one.upload_id, "no")
        assert not await uploads.whole_page(tx, "default", "", 10)
    async with catalog.connect() as tx:
        done = await uploads.get(tx, one.upload_id)
        assert done == replace(
            one,
            received=100,
            expires_at=now + 2 * DAY,
            state=UploadState.DONE,
            job_id=job,
            track_id=TRACK,
            duration_s=2.5,
            estimate_s=3.5,
        )
        assert await uploads.of_job(tx, job) == done
        assert await uploads.of_job(tx, "none") is None
        assert await uploads.of_ids(tx, [one.upload_id, "none"]) == {one.upload_id: done}
        assert [*await jobs.get_many(tx, [job, "none"])] == [job]
        with pytest.raises(NotFound):
            await jobs.get_all(tx, [job, "none"])
        with pytest.raises(NotFound):
            await uploads.get(tx, "none")


async def test_usage_counts_what_a_label_has_open_and_announced(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.begin() as tx:
        for number, owner in enumerate(["label", "label", "label", "other"]):
            await uploads.add(tx, upload(now, number, owner))
        await uploads.advance(tx, f"{1:032x}", 30, now + DAY)
        await uploads.end(tx, f"{1:032x}", "not wanted any more")
        await uploads.add(tx, upload(now - 2 * DAY, 9))  # expired, and not of today
        usage = await uploads.usage(tx, "label", now - DAY, now)
        assert usage == uploads.Usage(open=2, begun=3, bytes=230)
        assert await uploads.usage(tx, "nobody", now - DAY, now) == uploads.Usage(0, 0, 0)


async def test_what_expired_ends_unless_it_got_more(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        for number in range(3):
            await uploads.add(tx, upload(now, number))
        await uploads.advance(tx, f"{1:032x}", 1, now + 2 * DAY)
        late = now + DAY
        times = uploads.Times(late, now)
        page = await uploads.expired_page(tx, times, "", 10)
        assert [one.upload_id for one in page] == [f"{0:032x}", f"{2:032x}"]
        assert await uploads.expired_page(tx, times, page[-1].upload_id, 10) == ()
        assert not await uploads.expire(tx, f"{1:032x}", times)
        assert await uploads.expire(tx, f"{2:032x}", times)
        assert not await uploads.expire(tx, f"{2:032x}", times)
        assert (await uploads.get(tx, f"{2:032x}")).error == "it expired"
        assert await uploads.forget_ended(tx, late) == 0
        assert await uploads.forget_ended(tx, late + timedelta(seconds=1)) == 1


async def test_what_came_whole_expires_later(catalog: Catalog, now: datetime) -> None:
    """Its sender has done all there was to do: that nobody could look at it is our fault."""
    one = upload(now)
    async with catalog.begin() as tx:
        await uploads.add(tx, one)
        await uploads.advance(tx, one.upload_id, one.size, now)
        early = uploads.Times(now + DAY, now - DAY)
        assert await uploads.expired_page(tx, early, "", 10) == ()
        assert not await uploads.expire(tx, one.upload_id, early)
        (whole,) = await uploads.whole_page(tx, "default", "", 10)  # and goes on, if it still can
        late = uploads.Times(now + 2 * DAY, now)
        assert await uploads.expired_page(tx, late, "", 10) == (whole,)
        assert await uploads.expire(tx, one.upload_id, late)


async def test_a_track_is_whose_uploads_made_it(catalog: Catalog, now: datetime) -> None:
    publication = make_publication("a")
    track = publication.track.track_id
    async with catalog.begin() as tx:
        assert not await uploads.is_of_others(tx, "label", track)
        await publish(tx, publication, now)
        assert await uploads.is_of_others(tx, "label", track)  # the operator's
        await uploads.add(tx, upload(now))
        await uploads.complete(tx, f"{1:032x}", "job", track_id=track, duration_s=1, estimate_s=1)
        assert not await uploads.is_of_others(tx, "label", track)
        assert await uploads.is_of_others(tx, "other", track)


async def test_a_release_is_whose_tracks_are_all_on_it(catalog: Catalog, now: datetime) -> None:
    publication = make_publication("a")
    assert publication.release
    track, release = publication.track.track_id, publication.release.release_id
    other = "r" + "b" * 20
    async with catalog.begin() as tx:
        assert not await uploads.is_release_of_others(tx, "label", release)
        await publish(tx, publication, now)
        assert await uploads.is_release_of_others(tx, "label", release)  # the operator's
        for number, owner, of in ((1, "label", release), (2, "south", other)):
            await uploads.add(tx, upload(now, number, owner))
            told = {"track_id": track if owner == "label" else TRACK, "release_id": of}
            await uploads.complete(tx, f"{number:032x}", "j", **told, duration_s=1, estimate_s=1)
        assert not await uploads.is_release_of_others(tx, "label", release)
        assert await uploads.is_release_of_others(tx, "south", release)
        assert await uploads.is_release_of_others(tx, "label", other)  # on its way
        assert not await uploads.is_release_of_others(tx, "south", other)

"""Publishing: one transaction, idempotent, and nothing of an operator's is undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from catalog import jobs, keys, publish, releases, takedowns, tracks
from catalog.album_loudness import Histogram, LoudnessBlocks
from catalog.engine import Catalog
from catalog.errors import CatalogError, InvalidEdit, MadeAlready, NotFound
from catalog.records import (
    CoverPicture,
    JobState,
    Publication,
    ReleaseDraft,
    TrackRecord,
    TrackStatus,
)
from tests.support.publications import make_publication
from tests.support.running import running_job

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20


async def put(catalog: Catalog, publication: Publication, now: datetime) -> TrackRecord:
    async with catalog.begin() as tx:
        await publish.publish(tx, publication, now)
    return await get(catalog, publication.track.track_id)


async def get(catalog: Catalog, track_id: str = A) -> TrackRecord:
    async with catalog.connect() as tx:
        return await tracks.get(tx, track_id)


async def test_a_publication_is_kept_whole(catalog: Catalog, now: datetime) -> None:
    draft = make_publication(
        artists=("Björk", "Arca"),
        isrc="SEAAA2600001",
        operator_id="cat-1",
        disc=2,
        number=7,
        genre="Folk",
        date="2026-02",
        copyright="(P) 2026",
        lyrics="la\nla",
        replaygain_track_db=-3.5,
        replaygain_album_db=-4.0,
    )
    record = await put(catalog, draft, now)
    for name in ("artists", "isrc", "operator_id", "disc", "number", "genre", "date", "copyright"):
        assert getattr(record, name) == getattr(draft.track, name)
    assert (record.lyrics, record.replaygain_track_db, record.replaygain_album_db) == (
        "la\nla",
        -3.5,
        -4.0,
    )
    assert (record.release_id, record.duration_s) == (RELEASE, 2.0)
    assert (record.status, record.available_from) == (TrackStatus.PUBLISHED, None)
    assert (record.created_at, record.updated_at) == (now, now)
    assert record.current_revision == "1" * 16
    assert record.is_available(now)
    async with catalog.connect() as tx:
        revision = await tracks.revision(tx, A, "1" * 16)
        assert (revision.draft, revision.created_at) == (draft.revision, now)
        assert set(await keys.for_revision(tx, A, "1" * 16)) == set(draft.keys)
        found = await keys.of_kids(tx, [draft.keys[0].kid, b"?" * 16])
        assert found == {draft.keys[0].kid: draft.keys[0]}


async def test_the_same_revision_again_changes_nothing(catalog: Catalog, now: datetime) -> None:
    first = await put(catalog, make_publication(title="One"), now)
    assert await put(catalog, make_publication(title="Two"), now + timedelta(days=1)) == first


async def test_a_new_revision_brings_its_metadata_and_becomes_current(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication(title="One", genre="Folk", artists=("A", "B")), now)
    later = now + timedelta(days=1)
    record = await put(catalog, make_publication(revision="2", title="Two", artists=("B",)), later)
    assert (record.title, record.genre, record.artists) == ("Two", None, ("B",))
    assert (record.current_revision, record.duration_s) == ("2" * 16, 4.0)
    assert (record.created_at, record.updated_at) == (now, later)
    async with catalog.connect() as tx:
        found = await tracks.revisions(tx, A)
    assert [one.draft.revision for one in found] == ["1" * 16, "2" * 16]


async def test_an_earlier_revision_published_again_is_current_again(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication(title="One"), now)
    await put(catalog, make_publication(revision="2", title="Two"), now)
    record = await put(catalog, make_publication(title="One"), now)
    assert (record.current_revision, record.title) == ("1" * 16, "Two")


async def test_an_edit_survives_the_same_delivery_but_not_a_new_master(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication(title="Teh Song"), now)
    async with catalog.begin() as tx:
        await publish.edit(tx, A, {"title": "The Song"}, now)
    assert (await put(catalog, make_publication(title="Teh Song"), now)).title == "The Song"
    assert (await put(catalog, make_publication(revision="2", title="New"), now)).title == "New"


async def test_a_takedown_survives_a_new_delivery(catalog: Catalog, now: datetime) -> None:
    await put(catalog, make_publication(), now)
    async with catalog.begin() as tx:
        await publish.unpublish(tx, A, now)
    record = await put(catalog, make_publication(revision="2"), now)
    assert (record.status, record.current_revision) == (TrackStatus.UNPUBLISHED, "2" * 16)
    assert not record.is_available(now)
    async with catalog.begin() as tx:
        await publish.republish(tx, A, now)
    assert (await get(catalog)).is_available(now)


async def test_an_embargo_survives_a_new_delivery_and_ends_by_itself(
    catalog: Catalog, now: datetime
) -> None:
    until = now + timedelta(days=3)
    await put(catalog, make_publication(), now)
    async with catalog.begin() as tx:
        await publish.embargo(tx, A, until, now)
    record = await put(catalog, make_publication(revision="2"), now)
    assert record.available_from == until
    assert not record.is_available(until - timedelta(microseconds=1))
    assert record.is_available(until)
    async with catalog.connect() as tx:
        for instant, count in ((now, 0), (until - timedelta(microseconds=1), 0), (until, 1)):
            assert len(await tracks.list_page(tx, after=None, limit=9, now=instant)) == count
    async with catalog.begin() as tx:
        await publish.embargo(tx, A, None, now)
    assert (await get(catalog)).is_available(now)


async def test_an_embargo_without_a_timezone_is_a_mistake(catalog: Catalog, now: datetime) -> None:
    await put(catalog, make_publication(), now)
    with pytest.raises(ValueError, match="needs a timezone"):
        async with catalog.begin() as tx:
            await publish.embargo(tx, A, datetime(2026, 1, 1), now)  # noqa: DTZ001 - the point


async def test_rolling_back_flips_the_pointer_and_the_duration_only(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication(title="One"), now)
    await put(catalog, make_publication(revision="2", title="Two"), now)
    async with catalog.begin() as tx:
        await publish.rollback(tx, A, "1" * 16, now)
    record = await get(catalog)
    assert (record.current_revision, record.duration_s, record.title) == ("1" * 16, 2.0, "Two")


async def test_rolling_back_to_what_is_not_there_is_refused(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication("a"), now)
    await put(catalog, make_publication("b", revision="2"), now)
    with pytest.raises(NotFound, match="there is no revision") as caught:
        async with catalog.begin() as tx:
            await publish.rollback(tx, A, "2" * 16, now)  # another track's
    assert caught.value.what == "revision"
    with pytest.raises(NotFound, match="there is no track"):
        async with catalog.begin() as tx:
            await publish.rollback(tx, "t" + "z" * 20, "2" * 16, now)


@pytest.mark.parametrize("act", ["unpublish", "republish", "embargo", "edit"])
async def test_an_unknown_track_is_not_found(catalog: Catalog, now: datetime, act: str) -> None:
    acts = {
        "unpublish": lambda tx: publish.unpublish(tx, "tx", now),
        "republish": lambda tx: publish.republish(tx, "tx", now),
        "embargo": lambda tx: publish.embargo(tx, "tx", None, now),
        "edit": lambda tx: publish.edit(tx, "tx", {"title": "x"}, now),
    }
    with pytest.raises(NotFound) as caught:
        async with catalog.begin() as tx:
            await acts[act](tx)
    assert (caught.value.what, caught.value.id) == ("track", "tx")


async def test_everything_editable_is_edited(catalog: Catalog, now: datetime) -> None:
    await put(catalog, make_publication(number=4, genre="x", lyrics="x"), now)
    changes: dict[str, str | int | None] = {
        "title": "  Ænima ",
        "artists": "Björk; Arca ;Robyn",
        "disc": 2,
        "number": "11",
        "genre": None,
        "date": "2026-03-01",
        "copyright": "(C)",
        "lyrics": "",
    }
    later = now + timedelta(hours=1)
    async with catalog.begin() as tx:
        await publish.edit(tx, A, changes, later)
    record = await get(catalog)
    assert (record.title, record.artists) == ("Ænima", ("Björk", "Arca", "Robyn"))
    assert (record.disc, record.number, record.date) == (2, 11, "2026-03-01")
    assert (record.genre, record.lyrics, record.copyright) == (None, None, "(C)")
    assert record.updated_at == later
    async with catalog.connect() as tx:
        assert [one.track_id for one in await tracks.find(tx, "aenima")] == [A]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("isrc", "SEAAA2600001", "isrc: cannot be edited; editable: title, artists, disc"),
        ("track_id", "x", "cannot be edited"),
        ("status", "published", "cannot be edited"),
        ("title", None, "must be text, not empty"),
        ("title", "  ", "must be text, not empty"),
        ("title", 4, "must be text, not empty"),
        ("artists", "A;;B", "must be names separated by ';'"),
        ("artists", "", "must be text, not empty"),
        ("disc", 0, "must be a whole number from 1 to 9999"),
        ("disc", None, "must be a whole number"),
        ("number", "seven", "must be a whole number"),
        ("number", "٣", "must be a whole number"),
        ("number", 10**30, "must be a whole number"),
        ("number", True, "must be a whole number"),
        ("date", "2026-13", "must be a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        ("date", "yesterday", "must be a date"),
    ],
)
async def test_a_wrong_edit_is_refused_and_changes_nothing(
    catalog: Catalog, now: datetime, field: str, value: str | int | None, problem: str
) -> None:
    before = await put(catalog, make_publication(), now)
    with pytest.raises(InvalidEdit, match=problem) as caught:
        async with catalog.begin() as tx:
            await publish.edit(tx, A, {"genre": "Folk", field: value}, now)
    assert caught.value.field == field
    assert await get(catalog) == before


async def test_one_artist_however_it_is_spelled(catalog: Catalog, now: datetime) -> None:
    await put(catalog, make_publication("a", artists=("Beyoncé",)), now)
    record = await put(catalog, make_publication("b", revision="2", artists=("BEYONCE",)), now)
    assert record.artists == ("BEYONCE",)  # as credited
    async with catalog.connect() as tx:
        found = (await tx.exec_driver_sql("SELECT name, folded FROM artists")).all()
    assert [tuple(row) for row in found] == [("Beyoncé", "beyonce")]


async def test_an_artist_may_be_credited_twice_or_not_at_all(
    catalog: Catalog, now: datetime
) -> None:
    assert (await put(catalog, make_publication("a", artists=("A", "B", "A")), now)).artists == (
        "A",
        "B",
        "A",
    )
    assert (await put(catalog, make_publication("b", revision="2", artists=()), now)).artists == ()


async def test_what_a_delivery_does_not_say_of_a_release_erases_nothing(
    catalog: Catalog, now: datetime
) -> None:
    full = ReleaseDraft(RELEASE, "A", "B", "0094631432057", "2026", "L", "(C)", "covers/x.jpg")
    await put(catalog, make_publication("a", release=full), now)
    await put(
        catalog, make_publication("b", revision="2", release=ReleaseDraft(RELEASE, "A!", "B")), now
    )
    async with catalog.connect() as tx:
        record = await releases.get(tx, RELEASE)
    assert (record.title, record.cover_key, record.upc) == ("A!", "covers/x.jpg", "0094631432057")
    assert (record.label, record.date, record.copyright, record.track_count) == (
        "L",
        "2026",
        "(C)",
        2,
    )
    other = replace(full, cover_key="covers/y.png")
    await put(catalog, make_publication("c", revision="3", release=other), now)
    async with catalog.connect() as tx:
        assert (await releases.get(tx, RELEASE)).cover_key == "covers/y.png"


async def test_a_delivery_without_a_release_leaves_the_track_in_its_own(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, make_publication(), now)
    assert (
        await put(catalog, make_publication(revision="2", release=None), now)
    ).release_id == RELEASE
    alone = await put(catalog, make_publication("b", revision="3", release=None), now)
    assert alone.release_id is None


async def test_publishing_ends_the_job(catalog: Catalog, now: datetime) -> None:
    async with catalog.begin() as tx:
        await running_job(tx, "job", now)
    await put(catalog, make_publication(job_id="job"), now + timedelta(seconds=9))
    async with catalog.connect() as tx:
        job = await jobs.get(tx, "job")
    assert (job.state, job.track_id, job.revision) == (JobState.DONE, A, "1" * 16)
    assert (job.master_sha256, job.finished_at) == ("1" * 64, now + timedelta(seconds=9))


async def test_of_two_makings_of_one_master_the_second_is_not_published(
    catalog: Catalog, now: datetime
) -> None:
    first = make_publication()
    await put(catalog, first, now)
    second = replace(first, revision=replace(first.revision, revision="2" * 16), keys=())
    with pytest.raises(MadeAlready, match="revision 1111111111111111 of track"):
        await put(catalog, second, now)
    async with catalog.connect() as tx:
        assert (await tracks.get(tx, A)).current_revision == "1" * 16
    # Unless its maker has seen that the first is gone from storage.
    await put(catalog, replace(second, instead_of="1" * 16), now)
    async with catalog.connect() as tx:
        assert (await tracks.get(tx, A)).current_revision == "2" * 16


async def test_a_publication_that_fails_at_its_end_leaves_nothing(
    catalog: Catalog, now: datetime
) -> None:
    with pytest.raises(NotFound):  # the job: what is written last
        await put(catalog, make_publication(job_id="unknown"), now)
    async with catalog.connect() as tx:
        for table in ("artists", "releases", "tracks", "revisions", "renditions", "keys"):
            count = await tx.exec_driver_sql(f"SELECT count(*) FROM {table}")
            assert count.scalar_one() == 0


async def test_a_key_of_another_revision_is_refused(catalog: Catalog, now: datetime) -> None:
    publication = make_publication()
    stray = replace(publication.keys[0], revision="9" * 16)
    with pytest.raises(CatalogError, match=r"(?i)foreign key"):
        await put(catalog, replace(publication, keys=(stray,)), now)


async def test_a_key_id_is_never_used_twice(catalog: Catalog, now: datetime) -> None:
    first, second = make_publication(), make_publication("b", revision="2")
    await put(catalog, first, now)
    stolen = replace(second.keys[0], kid=first.keys[0].kid)
    with pytest.raises(CatalogError, match=r"(?i)unique"):
        await put(catalog, replace(second, keys=(stolen,)), now)


async def test_text_that_is_no_unicode_is_refused_by_name(catalog: Catalog, now: datetime) -> None:
    with pytest.raises(CatalogError, match="not Unicode"):
        await put(catalog, make_publication(title="caf\udce9"), now)


def measured(publication: Publication, level: float, seconds: int = 10) -> Publication:
    """The same publication of a track that is steadily so loud."""
    steady = Histogram.of([level] * seconds * 10)
    draft = replace(
        publication.revision,
        integrated_lufs=level,
        true_peak_dbtp=level + 10,
        loudness_blocks=LoudnessBlocks(steady, steady),
    )
    return replace(publication, revision=draft)


async def loudness(catalog: Catalog, release_id: str = RELEASE) -> tuple[float | None, ...]:
    async with catalog.connect() as tx:
        release = await releases.get(tx, release_id)
    return release.integrated_lufs, release.loudness_range_lu, release.true_peak_dbtp


async def test_a_release_has_the_loudness_of_its_tracks_together(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, measured(make_publication("a"), -14), now)
    assert await loudness(catalog) == (-14.0, 0.0, -4.0)
    await put(catalog, measured(make_publication("b"), -20), now)
    assert await loudness(catalog) == (-16.04, 6.0, -4.0)
    await put(catalog, measured(make_publication("c"), -60), now)  # below the album's gate
    assert await loudness(catalog) == (-16.04, 6.0, -4.0)


async def test_blocks_are_kept_with_the_revision(catalog: Catalog, now: datetime) -> None:
    publication = measured(make_publication("a"), -14)
    await put(catalog, publication, now)
    async with catalog.connect() as tx:
        found = await tracks.revision(tx, A, publication.revision.revision)
    assert found.draft == publication.revision


async def test_album_loudness_is_unknown_where_a_track_was_not_measured_so(
    catalog: Catalog, now: datetime
) -> None:
    await put(catalog, measured(make_publication("a"), -14), now)
    await put(catalog, make_publication("b"), now)
    assert await loudness(catalog) == (None, None, None)


async def test_another_revision_or_release_changes_the_loudness(
    catalog: Catalog, now: datetime
) -> None:
    first = measured(make_publication("a", revision="1"), -14)
    await put(catalog, first, now)
    await put(catalog, measured(make_publication("b"), -14), now)
    await put(catalog, measured(make_publication("a", revision="2"), -8, seconds=1000), now)
    assert (await loudness(catalog))[0] == pytest.approx(-8.0, abs=0.1)
    async with catalog.begin() as tx:
        await publish.rollback(tx, A, first.revision.revision, now)
    assert (await loudness(catalog))[0] == -14.0
    other = ReleaseDraft("r" + "b" * 20, "Second Light", "The Headwaters")
    await put(catalog, measured(make_publication("b", revision="3", release=other), -20), now)
    assert (await loudness(catalog, other.release_id))[0] == -20.0
    assert (await loudness(catalog))[0] == -14.0
    async with catalog.begin() as tx:  # keys that are destroyed take its sound along
        await takedowns.take_down(tx, A, "ada", "x", now)
        await takedowns.shred(tx, A, now)
    assert (await loudness(catalog))[0] is None


async def test_tracks_can_be_left_out_of_what_is_read(catalog: Catalog, now: datetime) -> None:
    for name in "ab":
        await put(catalog, measured(make_publication(name), -14), now)
    async with catalog.connect() as tx:
        both = await releases.loudness_of_tracks(tx, RELEASE)
        one = await releases.loudness_of_tracks(tx, RELEASE, without=[A])
    assert both is not None
    assert one is not None
    assert (len(both), len(one)) == (2, 1)


async def test_a_releases_cover_keeps_its_sizes_until_there_is_another(
    catalog: Catalog, now: datetime
) -> None:
    sizes = (CoverPicture("covers/a.jpg", 96, 96), CoverPicture("covers/b.jpg", 320, 240))
    drafts = (
        (ReleaseDraft(RELEASE, "A", "B", cover_key="covers/x", cover_pictures=sizes), sizes),
        (ReleaseDraft(RELEASE, "A", "B"), sizes),
        (ReleaseDraft(RELEASE, "A", "B", cover_key="covers/y", cover_pictures=()), ()),
    )
    for number, (draft, expected) in enumerate(drafts, 1):
        await put(catalog, make_publication(revision=str(number), release=draft), now)
        async with catalog.connect() as tx:
            assert (await releases.get(tx, RELEASE)).cover_pictures == expected

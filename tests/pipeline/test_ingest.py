"""Whole tracks, through every stage, with the real ffmpeg, storage, catalog and keys."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog import jobs, keys, releases, tracks
from catalog.publish import edit
from catalog.records import JobQueue, JobState
from configs.settings import IngestSettings, JobSettings
from packager import index
from packager.boxes.base import Container, parse
from packager.model import Loudness, Package, Rendition
from pipeline.batch import ingest_all
from pipeline.errors import EncoderFailed, EncoderStuck
from pipeline.ffmpeg.binaries import Tools
from pipeline.progress import Outcome, Stage, Status
from pipeline.submission import submit_all
from pipeline.workshop import Workshop
from storage.base import ObjectStore, StorageError
from storage.local import LocalStore
from storage.testing import FaultyStore
from tests.support import masters
from tests.support.workshop import Recorder, workshop

CLEAR = IngestSettings(scheme="clear")


async def ingest(shop: Workshop, *sources: Path, own_id: str | None = None) -> list[Outcome]:
    recorder = Recorder()
    outcomes = await ingest_all(shop, sources, recorder, operator_id=own_id)
    assert recorder.ended
    assert set(recorder.outcomes) == set(outcomes)
    assert list((shop.workspace.root).iterdir()) == [shop.workspace.root / "lock"]
    return sorted(outcomes, key=lambda one: sources.index(one.source))


async def package_of(shop: Workshop, outcome: Outcome) -> Package:
    key = f"tracks/{outcome.track_id}/{outcome.revision}/package.json"
    return index.decode(await shop.store.get(key))


def decode(tools: Tools, file: Path, one: Rendition, *, raw: str = "s32le") -> bytes:
    """Decoded by ffmpeg with no edit list, then trimmed as published: `delay`, `samples`."""
    command = [str(tools.ffmpeg), "-nostdin", "-v", "error", "-ignore_editlist", "1"]
    command += ["-flags2", "+skip_manual", "-i", str(file), "-f", raw, "-"]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    frame = one.channels * 4
    return out[one.trim.delay * frame :][: one.trim.samples * frame]


def objects(shop: Workshop) -> list[str]:
    assert isinstance(shop.store, LocalStore)
    root = Path(shop.store.locate("x")).parent
    return sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())


@pytest.mark.parametrize(("bits", "rate"), [(16, 44_100), (24, 96_000), (32, 48_000)])
async def test_lossless_rendition_has_the_masters_samples_bit_for_bit(
    any_tools: Tools, tmp_path: Path, bits: int, rate: int
) -> None:
    signal = masters.music(1.2345, rate)
    path = masters.wav(tmp_path / "a.wav", signal, rate, bits)
    async with workshop(tmp_path / "home", any_tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        assert outcome.error is None
        package = await package_of(shop, outcome)
        one = package.rendition("flac")
        assert one is not None
        assert outcome.hls is not None
        decoded = decode(any_tools, Path(outcome.hls).with_name("flac.mp4"), one)
    kept = min(bits, any_tools.deepest_flac_bits)
    expected = masters.integers(signal, bits).astype(np.int64) << (32 - bits)
    expected &= -(1 << (32 - kept))
    assert decoded == expected.astype("<i4").tobytes()
    assert (one.sample_rate_hz, one.bit_depth) == (rate, kept)


async def test_every_rendition_is_the_masters_length_to_the_sample(
    any_tools: Tools, tmp_path: Path
) -> None:
    signal = masters.music(2.71)
    path = masters.wav(tmp_path / "a.wav", signal)
    async with workshop(tmp_path / "home", any_tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        assert outcome.hls is not None
        package = await package_of(shop, outcome)
        for one in package.renditions:
            file = Path(outcome.hls).with_name(one.file)
            assert one.trim.samples == -(-len(signal) * one.timescale // 44_100)
            assert len(decode(any_tools, file, one)) == one.trim.samples * one.channels * 4


async def test_float_and_mono_masters_are_noted_and_kept_small(
    tools: Tools, tmp_path: Path
) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(0.5, channels=1), bits=32, is_float=True)
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        assert {one.channels for one in outcome.renditions} == {1}
        assert outcome.track_id is not None
        async with shop.catalog.connect() as tx:
            (revision,) = await tracks.revisions(tx, outcome.track_id)
        assert revision.draft.notes == ("32-bit float master: flac has 24 bits",)


async def test_catalog_knows_what_the_tags_said(tools: Tools, tmp_path: Path) -> None:
    path = masters.flac(
        tmp_path / "a.flac",
        masters.music(3.2),
        title="Night Train",
        artist="Ada",
        album="Rivers",
        isrc=masters.ISRC,
        barcode="4006381333931",
        tracknumber="3",
    )
    masters.add_flac_pictures(path, (3, masters.picture()))
    async with workshop(tmp_path / "home", tools) as shop:
        (outcome,) = await ingest(shop, path)
        assert outcome.track_id is not None
        assert outcome.revision is not None
        async with shop.catalog.connect() as tx:
            track = await tracks.get(tx, outcome.track_id)
            assert track.release_id is not None
            release = await releases.get(tx, track.release_id)
            (revision,) = await tracks.revisions(tx, outcome.track_id)
            records = await keys.for_revision(tx, outcome.track_id, outcome.revision)
            (job,) = await jobs.list_page(tx, limit=10)
        assert (track.title, track.artists, track.number) == ("Night Train", ("Ada",), 3)
        assert (track.isrc, track.current_revision) == (masters.ISRC, outcome.revision)
        assert (release.title, release.artist, release.upc) == ("Rivers", "Ada", "4006381333931")
        assert release.cover_key is not None
        assert await shop.store.get(release.cover_key) == masters.picture()
        assert revision.draft.integrated_lufs is not None
        assert revision.draft.true_peak_dbtp is not None
        assert revision.draft.encoder == tools.label
        # One key for each tier, and each opens with the KEK.
        assert {record.tier for record in records} == {"standard", "premium", "lossless"}
        opened = [await shop.keyring.unwrap(record) for record in records]
        assert {len(key.key) for key in opened} == {16}
        assert job.state is JobState.DONE
        assert set(job.stage_seconds) == {"probe", "encode", "package", "store", "publish"}


async def test_cenc_renditions_of_one_key_never_share_a_counter(
    tools: Tools, tmp_path: Path, wav: Path
) -> None:
    async with workshop(tmp_path / "home", tools, IngestSettings(scheme="cenc")) as shop:
        (outcome,) = await ingest(shop, wav)
        assert outcome.hls is not None
        folder = Path(outcome.hls).parent
        firsts = set()
        for name in ("aac-64k", "opus-96k", "aac-128k"):
            data = (folder / f"{name}.mp4").read_bytes()
            place = data.index(b"senc")
            firsts.add(data[place + 12 : place + 20])
    assert len(firsts) == 3


async def test_again_does_nothing_and_a_changed_recipe_comes_back(
    tools: Tools, tmp_path: Path, wav: Path
) -> None:
    async with workshop(tmp_path / "home", tools) as shop:
        (first,) = await ingest(shop, wav)
        before = objects(shop)
        (again,) = await ingest(shop, wav)
        assert again.status is Status.UNCHANGED
        assert objects(shop) == before
        assert replace(again, seconds=0) == replace(first, seconds=0, status=Status.UNCHANGED)
        clear = replace(shop, settings=CLEAR)
        (other,) = await ingest(clear, wav)
        assert other.status is Status.PUBLISHED
        assert (other.track_id, other.revision != first.revision) == (first.track_id, True)
        (back,) = await ingest(shop, wav)
        assert (back.status, back.revision) == (Status.RESTORED, first.revision)


async def test_a_new_master_of_the_same_isrc_is_a_new_revision(
    tools: Tools, tmp_path: Path
) -> None:
    one = masters.flac(tmp_path / "a.flac", masters.music(0.5), isrc=masters.ISRC)
    two = masters.flac(tmp_path / "b.flac", masters.music(0.6), isrc=masters.ISRC)
    async with workshop(tmp_path / "home", tools) as shop:
        (first,) = await ingest(shop, one)
        (second,) = await ingest(shop, two)
        assert first.track_id == second.track_id
        assert second.track_id is not None
        async with shop.catalog.connect() as tx:
            revisions = await tracks.revisions(tx, second.track_id)
            current = (await tracks.get(tx, second.track_id)).current_revision
    assert {one.draft.revision for one in revisions} == {first.revision, second.revision}
    assert current == second.revision


async def test_a_retagged_clear_master_is_a_new_revision_of_the_same_sound(
    tools: Tools, tmp_path: Path
) -> None:
    path = masters.flac(tmp_path / "a.flac", masters.music(0.5), isrc=masters.ISRC, title="One")
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (first,) = await ingest(shop, path)
        masters.flac(path, masters.music(0.5), isrc=masters.ISRC, title="Two")
        (second,) = await ingest(shop, path)
    assert (first.title, second.title, second.status) == ("One", "Two", Status.PUBLISHED)
    assert first.track_id == second.track_id


async def test_words_that_were_corrected_are_published_without_encoding_again(
    tools: Tools, tmp_path: Path
) -> None:
    """A sidecar says another title, then another album; what an operator edited since stays."""
    path = masters.flac(tmp_path / "a.flac", masters.music(0.5), isrc=masters.ISRC, title="One")
    sidecar = tmp_path / "a.flac.yaml"
    async with workshop(tmp_path / "home", tools) as shop:
        (first,) = await ingest(shop, path)
        assert first.track_id
        before = objects(shop)
        for text, title in (
            ("title: Two", "Two"),
            ("title: Two\nalbum: Rivers\nartist: Bo", "Two"),
        ):
            sidecar.write_text(text)
            (again,) = await ingest(shop, path)
            assert (again.status, again.title) == (Status.UPDATED, title)
            assert again.revision == first.revision
        async with shop.catalog.begin() as tx:
            track = await tracks.get(tx, first.track_id)
            assert track.artists == ("Bo",)
            assert track.release_id
            assert (await releases.get(tx, track.release_id)).title == "Rivers"
            await edit(tx, first.track_id, {"title": "Edited"}, shop.clock())
        (same,) = await ingest(shop, path)
        assert (same.status, same.title) == (Status.UNCHANGED, "Edited")
        assert objects(shop) == before


async def test_an_interruption_leaves_the_jobs_of_others(tools: Tools, tmp_path: Path) -> None:
    """The same master was asked for by somebody else: that job is given back, not canceled."""
    theirs, ours = (masters.wav(tmp_path / f"{n}.wav", masters.music(5, seed=n)) for n in (1, 2))
    async with workshop(tmp_path / "home", tools) as shop:
        (order,) = await submit_all(
            shop.catalog, [theirs], tenant="default", queue=JobQueue.HOT, now=shop.clock()
        )
        recorder = Recorder()
        batch = asyncio.create_task(ingest_all(shop, [theirs, ours], recorder))
        while not any(event.stage is Stage.ENCODE for event in recorder.events):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch
        async with shop.catalog.connect() as tx:
            states = {one.job_id: one.state for one in await jobs.list_page(tx, limit=9)}
    assert states.pop(order.job_id) is JobState.QUEUED
    assert list(states.values()) == [JobState.CANCELED]


async def test_own_id_names_the_track(tools: Tools, tmp_path: Path) -> None:
    one = masters.wav(tmp_path / "a.wav", masters.music(0.5))
    two = masters.wav(tmp_path / "b.wav", masters.music(0.6))
    async with workshop(tmp_path / "home", tools) as shop:
        (first,) = await ingest(shop, one, own_id="mine")
        (second,) = await ingest(shop, two, own_id="mine")
    assert first.track_id == second.track_id


async def test_what_is_gone_from_storage_is_made_again(
    tools: Tools, tmp_path: Path, wav: Path
) -> None:
    async with workshop(tmp_path / "home", tools) as shop:
        (first,) = await ingest(shop, wav)
        for key in objects(shop):
            await shop.store.delete(key)
        (second,) = await ingest(shop, wav)
        assert second.status is Status.PUBLISHED
        assert second.revision != first.revision


async def test_bad_masters_fail_in_one_line_each_and_the_rest_goes_on(
    any_tools: Tools, tmp_path: Path, wav: Path
) -> None:
    music = masters.music(1)
    bad: dict[Path, str] = {
        masters.truncate(masters.wav(tmp_path / "cut.wav", music)): "truncated",
        masters.break_frame(masters.flac(tmp_path / "broken.flac", music)): "damaged",
        masters.video(tmp_path / "video.mp4"): "it is a video",
        masters.wav(tmp_path / "one.wav", masters.music(1 / 44_100)): "too short: 1 sample",
    }
    for name, text, cause in (
        ("text.flac", "not audio\n", "a text file"),
        ("empty.wav", "", "the file is empty"),
        ("list.wav", f"#EXTM3U\nfile://{wav}\n", "a playlist"),
    ):
        (tmp_path / name).write_text(text)
        bad[tmp_path / name] = cause
    async with workshop(tmp_path / "home", any_tools) as shop:
        outcomes = await ingest(shop, *bad, wav)
        assert outcomes[-1].status is Status.PUBLISHED
        for outcome, cause in zip(outcomes[:-1], bad.values(), strict=True):
            assert outcome.status is Status.FAILED
            assert outcome.error is not None
            assert outcome.error.startswith(f"{outcome.source}: ")
            assert cause in outcome.error
            assert "\n" not in outcome.error
        async with shop.catalog.connect() as tx:
            assert len(await tracks.list_page(tx, after=None, limit=10)) == 1
            failed = await jobs.list_page(tx, states=[JobState.FAILED], limit=20)
        assert len(failed) == len(bad)


async def test_a_flac_whose_md5_is_another_is_refused(tools: Tools, tmp_path: Path) -> None:
    path = masters.flac(tmp_path / "a.flac", masters.music(0.5))
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)
    async with workshop(tmp_path / "home", tools) as shop:
        (outcome,) = await ingest(shop, path)
    assert outcome.error is not None
    assert "MD5" in outcome.error


async def test_a_longer_file_than_its_header_says_is_cut_nowhere(
    any_tools: Tools, tmp_path: Path
) -> None:
    # A FLAC that claims fewer samples than its frames hold.
    path = masters.flac(tmp_path / "a.flac", masters.music(1.0))
    data = bytearray(path.read_bytes())
    data[22:26] = (40_000).to_bytes(4, "big")
    path.write_bytes(data)
    async with workshop(tmp_path / "home", any_tools) as shop:
        (outcome,) = await ingest(shop, path)
    assert outcome.error is not None
    assert "its header promises 40000" in outcome.error or "damaged" in outcome.error


async def test_one_track_of_a_batch_has_one_master(tools: Tools, tmp_path: Path) -> None:
    one = masters.flac(tmp_path / "a.flac", masters.music(0.5), isrc=masters.ISRC)
    two = masters.flac(tmp_path / "b.flac", masters.music(0.6), isrc=masters.ISRC)
    async with workshop(tmp_path / "home", tools) as shop:
        outcomes = await ingest(shop, one, two)
    assert sorted(one.status for one in outcomes) == [Status.FAILED, Status.PUBLISHED]
    (error,) = [one.error for one in outcomes if one.error]
    assert f"it is the same track as {tmp_path}" in error
    assert masters.ISRC in error


async def test_a_failed_master_keeps_nobody_from_being_its_track(
    tools: Tools, tmp_path: Path
) -> None:
    one = masters.flac(tmp_path / "a.flac", masters.music(1), isrc=masters.ISRC)
    masters.break_frame(one)
    two = masters.flac(tmp_path / "b.flac", masters.music(0.6), isrc=masters.ISRC)
    one_at_a_time = IngestSettings(jobs=1)
    async with workshop(tmp_path / "home", tools, one_at_a_time) as shop:
        outcomes = await ingest(shop, one, two)
    assert [one.status for one in outcomes] == [Status.FAILED, Status.PUBLISHED]


async def test_a_name_that_is_no_utf8_is_shown_and_stored(tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    masters.wav(path, masters.music(0.3))
    empty = tmp_path / os.fsdecode(b"\xff.wav")
    empty.touch()
    async with workshop(tmp_path / "home", tools) as shop:
        good, bad = await ingest(shop, path, empty)
    assert (good.error, good.title) == (None, "caf\ufffd")
    assert bad.error is not None
    assert bad.error.startswith(f"{tmp_path}/\ufffd.wav: the file is empty")


def failing_at(part: str) -> Callable[[ObjectStore], FaultyStore]:
    def fault(action: str, key: str) -> None:
        if action in {"put", "put_file"} and part in key:
            raise StorageError(f"no room for {key}")

    return lambda store: FaultyStore(store, fault)


@pytest.mark.parametrize("part", ["flac.mp4", "manifest.mpd", "package.json"])
async def test_a_store_that_fails_leaves_nothing_published_and_nothing_behind(
    tools: Tools, tmp_path: Path, wav: Path, part: str
) -> None:
    rest = LocalStore(tmp_path / "storage")
    async with workshop(tmp_path / "home", tools, store=failing_at(part)(rest)) as shop:
        (outcome,) = await ingest(shop, wav)
        assert outcome.status is Status.FAILED
        assert outcome.error is not None
        assert "no room" in outcome.error
        assert [one async for one in rest.list("")] == []
        async with shop.catalog.connect() as tx:
            assert await tracks.list_page(tx, after=None, limit=10) == ()


def rivers(folder: Path, number: int, level: float, **tags: str) -> Path:
    """A track of an album, so loud."""
    folder.mkdir(exist_ok=True)
    named: Any = {"album": "Rivers", "artist": "Ada", "tracknumber": str(number)} | tags
    return masters.flac(folder / f"{number}.flac", masters.music(4, seed=number) * level, **named)


def loudness_boxes(shop: Workshop, outcome: Outcome) -> list[tuple[bytes, ...]]:
    """Which boxes of loudness each track file of an outcome has."""
    assert isinstance(shop.store, LocalStore)
    found = []
    for one in outcome.renditions:
        data = Path(shop.store.locate(one.object_key)).read_bytes()
        movie = next(box for box in parse(data[: data.index(b"sidx") - 4]) if box.code == b"moov")
        assert isinstance(movie, Container)
        found.append(tuple(box.code for box in movie.inside(b"trak", b"udta", b"ludt").children))
    return found


@pytest.mark.parametrize("jobs_", [1, 2])
async def test_an_album_in_one_batch_knows_how_loud_it_is(
    tools: Tools, tmp_path: Path, jobs_: int
) -> None:
    sources = [rivers(tmp_path / "in", number, 0.9 / number) for number in (1, 2, 3)]
    single = masters.wav(tmp_path / "single.wav", masters.music(1))
    async with workshop(tmp_path / "home", tools, IngestSettings(jobs=jobs_)) as shop:
        *album, alone = await ingest(shop, *sources, single)
        assert [one.error for one in (*album, alone)] == [None] * 4
        packages = [await package_of(shop, one) for one in album]
        async with shop.catalog.connect() as tx:
            track = await tracks.get(tx, str(album[0].track_id))
            release = await releases.get(tx, str(track.release_id))
        kept = Loudness(release.integrated_lufs, release.loudness_range_lu, release.true_peak_dbtp)
        assert [one.album_loudness for one in packages] == [kept] * 3
        each = [one.loudness for one in packages]
        assert len(set(each)) == 3
        assert kept.true_peak_dbtp == max(one.true_peak_dbtp or -99 for one in each if one)
        for outcome in album:
            assert set(loudness_boxes(shop, outcome)) == {(b"tlou", b"alou")}
        assert set(loudness_boxes(shop, alone)) == {(b"tlou",)}
        assert (await package_of(shop, alone)).album_loudness is None


async def test_tracks_that_come_one_by_one_leave_the_album_to_the_catalog(
    tools: Tools, tmp_path: Path
) -> None:
    sources = [rivers(tmp_path / "in", number, 0.9 / number) for number in (1, 2)]
    async with workshop(tmp_path / "home", tools) as shop:
        outcomes = [(await ingest(shop, source))[0] for source in sources]
        assert {boxes for one in outcomes for boxes in loudness_boxes(shop, one)} == {(b"tlou",)}
        async with shop.catalog.connect() as tx:
            track = await tracks.get(tx, str(outcomes[0].track_id))
            release = await releases.get(tx, str(track.release_id))
        together = [await package_of(shop, one) for one in outcomes]
        levels = [one.loudness.integrated_lufs or 0 for one in together if one.loudness]
        assert min(levels) < (release.integrated_lufs or 0) < max(levels)


async def test_a_track_that_fails_does_not_keep_its_album_waiting(
    tools: Tools, tmp_path: Path
) -> None:
    good, bad = (rivers(tmp_path / "in", number, 0.9) for number in (1, 2))
    masters.truncate(bad)
    async with workshop(tmp_path / "home", tools, IngestSettings(jobs=1)) as shop:
        outcomes = await ingest(shop, good, bad)
        assert [one.status for one in outcomes] == [Status.PUBLISHED, Status.FAILED]
        assert set(loudness_boxes(shop, outcomes[0])) == {(b"tlou",)}
        # The mended master and the one that is in the catalog are the whole album.
        mended = rivers(tmp_path / "in", 2, 0.9)
        outcomes = await ingest(shop, good, mended)
        assert [one.status for one in outcomes] == [Status.UNCHANGED, Status.PUBLISHED]
        assert set(loudness_boxes(shop, outcomes[1])) == {(b"tlou", b"alou")}


async def test_an_album_that_has_no_room_together_is_done_one_by_one(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A track that waits for its album keeps its files: the next one waited for that room."""
    sources = [rivers(tmp_path / "in", number, 0.9) for number in (1, 2, 3)]
    async with workshop(tmp_path / "home", tools, IngestSettings(jobs=1)) as shop:
        # A disk that holds the files of one track.
        monkeypatch.setattr(
            "pipeline.attempts.lacking_space",
            lambda *_: "full" if any(shop.workspace.root.glob("[0-9]*")) else None,
        )
        monkeypatch.setattr("pipeline.attempts.NO_ROOM_S", 0.02)
        async with asyncio.timeout(30):
            outcomes = await ingest(shop, *sources)
        assert [one.status for one in outcomes] == [Status.PUBLISHED] * 3
        # One of the album left it: none of its files says how loud that is.
        for outcome in outcomes:
            assert set(loudness_boxes(shop, outcome)) == {(b"tlou",)}


async def test_a_batch_without_room_does_not_write_to_each_of_its_rows(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.attempts.lacking_space", lambda *_: "full")
    sources = [tmp_path / f"{number}.wav" for number in range(5)]
    said = Recorder()
    async with workshop(tmp_path / "home", tools, IngestSettings(jobs=1)) as shop:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await ingest_all(shop, sources, said)
    assert said.warnings == ["0.wav: waits for room: full"]


async def test_two_who_ingest_one_album_do_not_wait_for_each_other(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their jobs are the same; each holds some of them until it has seen the whole album."""
    monkeypatch.setattr("pipeline.attempts._ELSEWHERE_S", 0.02)
    sources = [rivers(tmp_path / "in", number, 0.9) for number in (1, 2, 3)]
    async with workshop(tmp_path / "home", tools, IngestSettings(jobs=1)) as shop:
        async with asyncio.timeout(30):
            both = [ingest_all(shop, sources, Recorder()) for _ in range(2)]
            first, second = await asyncio.gather(*both)
        assert [{one.status for one in outcomes} for outcomes in (first, second)] == [
            {Status.PUBLISHED}
        ] * 2
        assert {one.revision for one in first} == {one.revision for one in second}
        async with shop.catalog.connect() as tx:
            found = await jobs.list_page(tx, limit=10)
        assert [one.attempts for one in found] == [1] * 3


@pytest.mark.parametrize(
    ("error", "attempts", "state", "fault"),
    [
        (EncoderFailed(["ffmpeg"], 1, "Cannot allocate memory", "none"), 2, "failed", "master"),
        (EncoderStuck(["ffmpeg"], None, "", "it did not get on"), 2, "failed", "master"),
        (EncoderFailed(["ffmpeg"], 1, "No space left on device", "full"), 3, "parked", None),
    ],
)
async def test_what_a_busy_machine_does_once_a_master_does_again(
    tools: Tools,
    wav: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: EncoderFailed,
    attempts: int,
    state: str,
    fault: str | None,
) -> None:
    async def encode(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.ingest.encode", encode)
    patient = JobSettings(attempts=3, backoff_s=0)
    async with workshop(tmp_path / "home", tools, jobs=patient) as shop:
        (outcome,) = await ingest(shop, wav)
        async with shop.catalog.connect() as tx:
            (job,) = await jobs.list_page(tx, limit=2)
    assert outcome.status is Status.FAILED
    assert (job.attempts, job.state, job.fault) == (attempts, state, fault)

"""What is published beside the track files, through a whole ingest."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import m3u8
import pytest
from PIL import Image

from catalog import releases, tracks
from configs.settings import IngestSettings
from packager import digests
from packager.model import Package, TextKind
from pipeline.ffmpeg.binaries import Tools
from pipeline.progress import Status
from pipeline.tags import read_tags
from pipeline.workshop import Workshop
from tests.pipeline.test_ingest import CLEAR, ingest, objects, package_of
from tests.support import masters
from tests.support.workshop import workshop

LRC = "[00:00.10]one\n[00:00.60]<00:00.60>two <00:00.80>three\n"


def master(folder: Path, **tags: str) -> Path:
    named = {"title": "A", "isrc": masters.ISRC, **tags}
    return masters.flac(folder / "a.flac", masters.music(1.2), 44_100, 16, **named)


def probe(tools: Tools, file: Path) -> Any:
    command = [str(tools.ffprobe), "-v", "error", "-of", "json"]
    command += ["-show_streams", "-show_format", str(file)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def whole(tools: Tools, file: Path) -> bool:
    """Whether all of it can be decoded, without a word."""
    command = [str(tools.ffmpeg), "-v", "error", "-xerror", "-i", str(file), "-f", "null", "-"]
    return subprocess.run(command, check=True, capture_output=True).stderr == b""


async def read(shop: Workshop, package: Package, file: str) -> bytes:
    return await shop.store.get(f"tracks/{package.track_id}/{package.revision}/{file}")


async def test_synced_lyrics_are_in_storage_manifests_and_catalog(
    tools: Tools, tmp_path: Path
) -> None:
    path = master(tmp_path, lyrics="of the tags")
    path.with_name("a.en.lrc").write_text(LRC)
    path.with_name("a.de.txt").write_text("eins\nzwei")
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        package = await package_of(shop, outcome)
        german, english = package.lyrics
        assert (german.kind, english.kind) == (TextKind.PLAIN, TextKind.SYNCED)
        assert await read(shop, package, "lyrics-de.txt") == b"eins\nzwei\n"
        whole = (await read(shop, package, "lyrics-en.vtt")).decode()
        assert "00:00:00.600 --> 00:00:01.200\ntwo <00:00:00.800>three\n" in whole
        variants = m3u8.loads((await read(shop, package, "multivariant.m3u8")).decode())
        assert {one.stream_info.subtitles for one in variants.playlists} == {"lyrics"}
        playlist = m3u8.loads((await read(shop, package, "lyrics-en.m3u8")).decode())
        segments = await read(shop, package, "segments-en.vtt")
        for segment in playlist.segments:
            size, offset = map(int, segment.byterange.split("@"))
            assert segments[offset : offset + size].startswith(b"WEBVTT\n")
        assert b"lyrics-en.vtt" in await read(shop, package, "manifest.mpd")
        async with shop.catalog.connect() as tx:
            assert (await tracks.get(tx, package.track_id)).lyrics == "eins\nzwei"


async def test_a_changed_sidecar_is_another_revision_and_the_same_one_is_none(
    tools: Tools, tmp_path: Path
) -> None:
    path = master(tmp_path)
    sidecar = path.with_name("a.lrc")
    revisions = []
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        for text in (LRC, LRC, LRC.replace("one", "won"), None):
            sidecar.unlink(missing_ok=True)
            if text:
                sidecar.write_text(text)
            (outcome,) = await ingest(shop, path)
            revisions.append((outcome.status, outcome.revision))
        assert [status for status, _ in revisions] == [
            Status.PUBLISHED,
            Status.UNCHANGED,
            Status.PUBLISHED,
            Status.PUBLISHED,
        ]
        assert len({revision for _, revision in revisions}) == 3
        assert (await package_of(shop, outcome)).lyrics == ()


async def test_bad_lyrics_are_a_warning(tools: Tools, tmp_path: Path) -> None:
    path = master(tmp_path)
    path.with_name("a.ttml").write_text("<!DOCTYPE a>")
    path.with_name("a.lrc").write_text("[10:00.00]long after the end")
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        assert outcome.status is Status.PUBLISHED
        assert (await package_of(shop, outcome)).lyrics == ()
        assert outcome.track_id
        async with shop.catalog.connect() as tx:
            (revision,) = await tracks.revisions(tx, outcome.track_id)
    assert revision.draft.notes == ("the lyrics a.ttml are left out: a DTD, which no lyrics need",)


async def test_the_cover_is_there_in_its_sizes(tools: Tools, tmp_path: Path) -> None:
    path = master(tmp_path, album="Rivers")
    (tmp_path / "cover.png").write_bytes(masters.picture(400, 300, "PNG"))
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        package = await package_of(shop, outcome)
        assert [(one.width, one.height) for one in package.pictures] == [
            (96, 72),
            (320, 240),
            (400, 300),
        ]
        listed = json.loads(await read(shop, package, "covers.json"))["covers"]
        for picture, entry in zip(package.pictures, listed, strict=True):
            key = f"covers/{picture.sha256}.jpg"
            assert entry["url"] == f"../../../{key}"
            shown = Image.open(io.BytesIO(await shop.store.get(key)))
            assert shown.size == (picture.width, picture.height)
        async with shop.catalog.connect() as tx:
            record = await tracks.get(tx, package.track_id)
            assert record.release_id
            release = await releases.get(tx, record.release_id)
        assert [(one.key, one.width) for one in release.cover_pictures] == [
            (f"covers/{one.sha256}.jpg", one.width) for one in package.pictures
        ]
        assert (release.cover_key or "").endswith(".png")

        (tmp_path / "cover.png").write_bytes(masters.picture(200, 200, "PNG"))
        (again,) = await ingest(shop, path)
        assert (again.status, len((await package_of(shop, again)).pictures)) == (
            Status.PUBLISHED,
            2,
        )


@pytest.mark.parametrize(("ending", "codec"), [("mp3", "mp3"), ("m4a", "aac")])
async def test_downloads_are_whole_plain_files(
    tools: Tools, tmp_path: Path, ending: str, codec: str
) -> None:
    path = masters.wav(tmp_path / "a.wav", masters.music(2.0, 96_000), 96_000, 24)
    rates = {"standard": 96_000, "premium": 192_000}
    settings = IngestSettings.model_validate({"progressive": ending, "progressive_bps": rates})
    async with workshop(tmp_path / "home", tools, settings) as shop:
        (outcome,) = await ingest(shop, path)
        package = await package_of(shop, outcome)
        assert [(one.tier, one.ending) for one in package.downloads] == [
            ("standard", ending),
            ("premium", ending),
        ]
        for one in package.downloads:
            assert outcome.hls
            file = Path(outcome.hls).with_name(one.file)
            assert file.stat().st_size == one.size
            with file.open("rb") as opened:
                assert digests.of_plain(opened) == (one.digests, one.sha256)
            probed = probe(tools, file)
            (stream,) = probed["streams"]
            assert (stream["codec_name"], stream["sample_rate"]) == (codec, "48000")
            assert float(probed["format"]["duration"]) == pytest.approx(2.0, abs=0.1)
            assert one.average_bps == pytest.approx(rates[one.tier], rel=0.25)


TAGGED = {
    "title": "Schnee & Eis",
    "artist": "Ada; Grace",
    "album": "Rivers",
    "track": "7",
    "disc": "2",
    "date": "2026-11-20",
    "copyright": "(P) 2026 Ada",
}


@pytest.mark.parametrize("ending", ["mp3", "m4a"])
async def test_downloads_carry_tags_and_the_cover(
    tools: Tools, tmp_path: Path, ending: str
) -> None:
    path = master(tmp_path, **TAGGED)
    (tmp_path / "cover.png").write_bytes(masters.picture(800, 600, "PNG"))
    settings = CLEAR.model_copy(
        update={"progressive": ending, "progressive_bps": {"standard": 96_000}}
    )
    hashes = set()
    for home in ("one", "two"):
        async with workshop(tmp_path / home, tools, settings) as shop:
            (outcome,) = await ingest(shop, path)
            (one,) = (await package_of(shop, outcome)).downloads
            data = await read(shop, await package_of(shop, outcome), one.file)
            hashes.add(hashlib.sha256(data).hexdigest())
            if home == "one":  # other words beside the same master: another file
                path.with_name("a.flac.yaml").write_text("album: Seas\n")
                (again,) = await ingest(shop, path)
                assert again.status is Status.PUBLISHED
                path.with_name("a.flac.yaml").unlink()
    assert hashes == {one.sha256}, "tagging again gives other bytes"

    file = tmp_path / one.file
    file.write_bytes(data)
    tags = read_tags(file, {})
    assert (tags.title, tags.album, tags.number, tags.disc) == ("Schnee & Eis", "Rivers", 7, 2)
    assert (tags.isrc, tags.copyright) == (masters.ISRC, "(P) 2026 Ada")
    assert tags.date in {"2026", "2026-11-20"}
    assert tags.picture
    with Image.open(io.BytesIO(tags.picture)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (640, 480))
    # Another reader, and the sound is still whole.
    probed = probe(tools, file)
    sound, cover = probed["streams"]
    told = probed["format"]["tags"]
    assert (told["title"], told["artist"], told["track"]) == ("Schnee & Eis", "Ada; Grace", "7")
    assert (cover["codec_type"], cover["disposition"]["attached_pic"]) == ("video", 1)
    assert float(sound["duration"]) == pytest.approx(1.2, abs=0.1)
    assert whole(tools, file)


async def test_downloads_are_off_by_default(tools: Tools, tmp_path: Path) -> None:
    path = master(tmp_path)
    async with workshop(tmp_path / "home", tools, CLEAR) as shop:
        (outcome,) = await ingest(shop, path)
        assert not [one for one in objects(shop) if "download" in one]
        enabled = CLEAR.model_copy(update={"progressive": "m4a"})
        (again,) = await ingest(replace(shop, settings=enabled), path)
    assert (again.status, again.revision != outcome.revision) == (Status.PUBLISHED, True)

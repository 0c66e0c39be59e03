"""The playlists of a whole release, read back by the m3u8 library's parser."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import m3u8
import pytest

from packager.addressing import Addressing
from packager.hls.keys import HlsForm
from packager.hls.release import release_media, release_multivariant, release_text
from packager.model import Package
from packager.release import in_common, starts_s
from packager.text.lyrics import Line, Lyrics
from packager.text.track import make
from tests.packager import releases
from tests.packager.conftest import Encode


@pytest.fixture
def tracks(encode: Encode) -> tuple[Package, ...]:
    return in_common(releases.make(encode))


def _media(
    tracks: tuple[Package, ...], name: str, addressing: Addressing = Addressing.RANGES
) -> str:
    return release_media(
        tracks,
        name,
        HlsForm.WEB,
        media_base=lambda one: f"../{one.track_id}/",
        key_base=lambda one: f"../{one.track_id}/keys/",
        addressing=addressing,
    )


def test_variants_are_the_renditions_of_every_track(tracks: tuple[Package, ...]) -> None:
    text = release_multivariant(tracks, title='The "Album"', artist="Nobody")
    parsed = m3u8.loads(text)

    assert [one.uri for one in parsed.playlists] == ["aac-128k.m3u8", "flac.m3u8"]
    for variant in parsed.playlists:
        name = variant.uri.removesuffix(".m3u8")
        files = [one for track in tracks if (one := track.rendition(name))]
        assert variant.stream_info.bandwidth == max(one.peak_bps for one in files)
        rates = [one.average_bps for one in files]
        assert min(rates) <= variant.stream_info.average_bandwidth <= max(rates)
    data = {one.data_id: one.value for one in parsed.session_data}
    assert data["com.apple.hls.title"] == data["org.headwater.title"] == "The 'Album'"
    assert data["org.headwater.artist"] == "Nobody"


def test_a_group_says_the_highest_rate(tracks: tuple[Package, ...]) -> None:
    lines = release_multivariant(tracks, title="", artist="").splitlines()

    assert any(
        'GROUP-ID="flac-96000-2ch"' in line and "SAMPLE-RATE=96000" in line for line in lines
    )


@pytest.mark.parametrize("name", ["aac-128k", "flac"])
def test_every_track_begins_anew_with_its_own_header_and_keys(
    tracks: tuple[Package, ...], name: str
) -> None:
    lines = _media(tracks, name).splitlines()
    marks = [line.split(":")[0] for line in lines if line.startswith(("#EXT-X-DISC", "#EXT-X-MAP"))]

    assert marks == ["#EXT-X-MAP", *["#EXT-X-DISCONTINUITY", "#EXT-X-MAP"] * 2]
    for track in tracks:
        at = next(i for i, line in enumerate(lines) if f"{track.track_id}/{name}.mp4" in line)
        assert lines[at].startswith("#EXT-X-MAP")
        assert lines[at + 1].startswith("#EXT-X-KEY")
        key = track.renditions[0].kid
        assert key is not None
        assert f"../{track.track_id}/keys/{key.hex}" in lines[at + 2]


@pytest.mark.parametrize("name", ["aac-128k", "flac"])
def test_durations_add_up_to_the_release_and_to_every_track(
    tracks: tuple[Package, ...], name: str
) -> None:
    position, starts = Decimal(0), []
    for line in _media(tracks, name).splitlines():
        if line.startswith("#EXT-X-MAP"):
            starts.append(position)
        if line.startswith("#EXTINF:"):
            position += Decimal(line[8:].rstrip(","))

    expected = [round(start * 1_000_000) for start in starts_s(tracks)]
    assert [int(start * 1_000_000) for start in (*starts, position)] == expected


def test_the_target_duration_is_of_the_longest(tracks: tuple[Package, ...]) -> None:
    parsed = m3u8.loads(_media(tracks, "flac"))

    longest = max(Fraction(str(one.duration)) for one in parsed.segments)
    assert parsed.target_duration == int(longest + Fraction(1, 2))


def test_segments_have_urls_of_their_own(tracks: tuple[Package, ...]) -> None:
    parsed = m3u8.loads(_media(tracks, "aac-128k", Addressing.SEGMENTS))

    first = f"../{tracks[1].track_id}/aac-128k/1.m4s"
    assert [one.discontinuity for one in parsed.segments if one.uri == first] == [True]
    assert not any(one.byterange for one in parsed.segments)


@pytest.fixture
def sung(tracks: tuple[Package, ...]) -> tuple[Package, ...]:
    """English words to the first and third track, and German ones to the third."""
    first, second, third = tracks
    return _with(first, "en"), second, _with(third, "en", "de")


def _with(package: Package, *languages: str) -> Package:
    texts = []
    for language in languages:
        made = make(Lyrics((Line("a", 1_000),), language, is_synced=True), package.renditions[0])
        assert made
        texts.append(made.track)
    return replace(package, lyrics=tuple(texts))


def _words(tracks: tuple[Package, ...], name: str) -> m3u8.M3U8:
    text = release_text(tracks, name, media_base=lambda one: f"../{one.track_id}/")
    assert text
    return m3u8.loads(text)


def test_lyrics_of_any_track_are_a_group_of_the_release(sung: tuple[Package, ...]) -> None:
    parsed = m3u8.loads(release_multivariant(sung, title="", artist=""))

    texts = [one for one in parsed.media if one.type == "SUBTITLES"]
    assert [(one.language, one.uri) for one in texts] == [
        ("en", "lyrics-en.m3u8"),
        ("de", "lyrics-de.m3u8"),
    ]
    assert {one.stream_info.subtitles for one in parsed.playlists} == {"lyrics"}
    assert release_text(sung, "lyrics-fr", media_base=lambda _: "") is None


@pytest.mark.parametrize("name", ["lyrics-en", "lyrics-de"])
def test_a_track_without_words_is_filled_with_nothing(sung: tuple[Package, ...], name: str) -> None:
    playlist = _words(sung, name)

    starts = [i for i, one in enumerate(playlist.segments) if one.discontinuity]
    parts = [
        playlist.segments[start:end]
        for start, end in zip([0, *starts], [*starts, None], strict=True)
    ]
    assert len(parts) == 3
    for track, part in zip(sung, parts, strict=True):
        has_words = any(one.name == name for one in track.lyrics)
        file = f"segments-{name.removeprefix('lyrics-')}" if has_words else "no-lyrics"
        assert {one.uri for one in part} == {f"../{track.track_id}/{file}.vtt"}
    edges = [round(start * 1_000_000) for start in starts_s(sung)]
    lengths = [sum(round(one.duration * 1_000_000) for one in part) for part in parts]
    assert lengths == [end - start for start, end in pairwise(edges)]
    assert playlist.target_duration == 4


def test_the_tracks_are_chapters(sung: tuple[Package, ...]) -> None:
    parsed = m3u8.loads(release_multivariant(sung, title="", artist=""))
    data = {one.data_id: one.uri for one in parsed.session_data}
    assert data["com.apple.hls.chapters"] == "chapters.json"

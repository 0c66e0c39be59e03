from __future__ import annotations

import json

import m3u8
import pytest

from packager.hls.render import multivariant
from packager.hls.text import text_media
from packager.model import Package
from packager.pictures import document
from tests.packager.conftest import Encode
from tests.packager.packages import package, write
from tests.packager.text.packages import with_companions


@pytest.fixture
def one(encode: Encode) -> Package:
    return with_companions(write(encode("aac"))[0], write(encode("flac"), name="flac")[0])


def test_every_variant_has_the_synced_lyrics(one: Package) -> None:
    """No LANGUAGE where nobody said: shaka-packager#1161. None is a default: #857, #1169."""
    parsed = m3u8.loads(multivariant(one))
    texts = [media for media in parsed.media if media.type == "SUBTITLES"]
    assert [(media.name, media.language, media.uri) for media in texts] == [
        ("Lyrics (en)", "en", "lyrics-en.m3u8"),
        ("Lyrics (zh-Hant)", "zh-Hant", "lyrics-zh-hant.m3u8"),
        ("Lyrics", None, "lyrics-und.m3u8"),
    ]
    assert {(media.default, media.autoselect, media.forced) for media in texts} == {
        ("NO", "YES", "NO")
    }
    assert {playlist.stream_info.subtitles for playlist in parsed.playlists} == {"lyrics"}


def test_without_lyrics_there_is_no_group(encode: Encode) -> None:
    assert "SUBTITLES" not in multivariant(package(write(encode("aac"))[0]))


def test_a_text_playlist_has_the_audios_times_and_ranges_of_one_file(one: Package) -> None:
    track, rendition = one.lyrics[0], one.renditions[0]
    parsed = m3u8.loads(text_media(track, media_base="../../"))
    assert parsed.is_endlist
    assert len(parsed.segments) == len(rendition.segments)
    total = sum(segment.duration for segment in parsed.segments)
    assert total == pytest.approx(float(rendition.duration_s), abs=0.001)
    assert {segment.uri for segment in parsed.segments} == {"../../segments-en.vtt"}
    assert [segment.byterange for segment in parsed.segments] == [
        f"{one.span.size}@{one.span.start}" for one in track.segments
    ]


def test_the_cover_is_session_data_that_lists_every_size(one: Package) -> None:
    (data,) = [
        each
        for each in m3u8.loads(multivariant(one, media_base="../../")).session_data
        if each.data_id == "org.headwater.covers"
    ]
    assert (data.uri, data.value) == ("../../covers.json", None)
    assert json.loads(document(one))["covers"] == [
        {"url": "cover-96x96.jpg", "width": 96, "height": 96, "type": "image/jpeg"},
        {"url": "cover-640x480.jpg", "width": 640, "height": 480, "type": "image/jpeg"},
    ]

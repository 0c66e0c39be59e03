"""HLS text, read back by the m3u8 library's parser."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import m3u8
import pytest

from packager.addressing import Addressing
from packager.hls.keys import FAIRPLAY, IDENTITY, PLAYREADY, WIDEVINE
from packager.hls.render import HlsForm, media, multivariant
from packager.model import Loudness, Package, Rendition, Scheme
from packager.systems import KeySystems
from tests.packager.conftest import Encode
from tests.packager.packages import ALBUM_LOUDNESS, package, write


@pytest.fixture
def album_track(encode: Encode) -> Package:
    return package(
        write(encode("flac"), name="flac", tier="lossless", scheme=Scheme.CBCS, kid=3)[0],
        write(encode("aac"), scheme=Scheme.CBCS)[0],
        write(encode("aac"), name="aac-320k", tier="premium", scheme=Scheme.CBCS, kid=2)[0],
        write(encode("opus"), name="opus-96k", scheme=Scheme.CBCS)[0],
    )


def test_every_rendition_is_a_variant_of_its_group(album_track: Package) -> None:
    """shaka-packager#461 (audio alone), shaka-streamer#18, #185 (groups); jellyfin#10066 (fLaC)."""
    parsed = m3u8.loads(multivariant(album_track))

    assert parsed.is_independent_segments
    assert [(one.uri, one.stream_info.codecs) for one in parsed.playlists] == [
        ("aac-128k.m3u8", "mp4a.40.2"),
        ("aac-320k.m3u8", "mp4a.40.2"),
        ("opus-96k.m3u8", "Opus"),
        ("flac.m3u8", "fLaC"),
    ]
    groups = {one.group_id for one in parsed.media}
    assert groups == {"aac-44100-2ch", "opus-48000-2ch", "flac-44100-2ch"}
    assert {one.stream_info.audio for one in parsed.playlists} == groups
    assert len(parsed.media) == len(groups)
    assert {(one.default, one.autoselect) for one in parsed.media} == {("YES", "YES")}


def test_lossless_groups_say_rate_and_depth(album_track: Package) -> None:
    """packagers.md, 1+2: nobody else writes them."""
    lines = multivariant(album_track).splitlines()
    depth = album_track.renditions[0].bit_depth

    lossless = next(line for line in lines if 'GROUP-ID="flac-44100-2ch"' in line)
    lossy = next(line for line in lines if 'GROUP-ID="opus-48000-2ch"' in line)
    assert 'CHANNELS="2",SAMPLE-RATE=44100,' in lossless
    assert f",BIT-DEPTH={depth}" in lossless
    assert 'CHANNELS="2",SAMPLE-RATE=48000,' in lossy
    assert "BIT-DEPTH" not in lossy


def test_bandwidths_come_from_the_segments(album_track: Package) -> None:
    """shaka-packager#498: a short tail is no peak."""
    for playlist in m3u8.loads(multivariant(album_track)).playlists:
        one = album_track.rendition(playlist.uri.removesuffix(".m3u8"))
        assert one
        rates = [
            segment.span.size * 8 * one.timescale / segment.duration
            for segment in one.segments
            if segment.duration * 2 >= one.segments[1].duration
        ]
        assert max(rates) <= playlist.stream_info.bandwidth < max(rates) + 1
        size = sum(segment.span.size for segment in one.segments)
        average = size * 8 / one.duration_s
        assert average <= playlist.stream_info.average_bandwidth < average + 1


def test_only_the_tiers_of_a_listener(album_track: Package) -> None:
    text = multivariant(album_track.only({"standard"}))

    assert {one.uri for one in m3u8.loads(text).playlists} == {"aac-128k.m3u8", "opus-96k.m3u8"}
    assert "flac" not in text


@pytest.mark.parametrize("codec", ["aac", "opus", "flac"])
def test_segments_are_the_files_ranges_and_sum_to_the_duration(encode: Encode, codec: str) -> None:
    """shaka-packager#1496, packagers.md T5 and H4."""
    rendition, _ = write(encode(codec))
    text = media(rendition, HlsForm.WEB, media_base="../../")
    parsed = m3u8.loads(text)

    assert parsed.playlist_type == "vod"
    assert parsed.is_endlist
    assert [one.byterange for one in parsed.segments] == [
        f"{segment.span.size}@{segment.span.start}" for segment in rendition.segments
    ]
    assert {one.uri for one in parsed.segments} == {"../../aac-128k.mp4"}
    assert parsed.segments[0].init_section.byterange == f"{rendition.init.size}@0"
    total = sum(Decimal(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF:"))
    assert total == Decimal(round(rendition.duration_s * 10**6)) / 10**6


@pytest.mark.parametrize(("segment_s", "target"), [(1, 1), (4, 4), (6, 6), (10, 10)])
def test_the_target_is_rounded_to_nearest(encode: Encode, segment_s: int, target: int) -> None:
    """shaka-packager#841 and #1510: not the ceiling, and of this playlist alone."""
    rendition, _ = write(encode("aac", seconds=22), segment_s=segment_s)

    assert m3u8.loads(media(rendition, HlsForm.WEB)).target_duration == target


def test_clear_playlists_name_no_key(encode: Encode) -> None:
    """Nor is there a clear lead: shaka-packager#911, #1543."""
    assert "EXT-X-KEY" not in media(write(encode("aac"))[0], HlsForm.WEB)


def _keys(rendition: Rendition, form: HlsForm) -> list[str]:
    text = media(rendition, form, key_base="../../keys/")
    return [line for line in text.splitlines() if line.startswith("#EXT-X-KEY:")]


def test_the_web_form_has_a_line_for_hls_js_and_one_for_shaka(encode: Encode) -> None:
    rendition, _ = write(encode("aac"), scheme=Scheme.CBCS)

    clearkey, identity = _keys(rendition, HlsForm.WEB)

    assert clearkey == (
        "#EXT-X-KEY:METHOD=SAMPLE-AES,"
        'URI="data:application/octet-stream;base64,AQEBAQEBAQEBAQEBAQEBAQ==",'
        'KEYID=0x01010101010101010101010101010101,KEYFORMAT="org.w3.clearkey",'
        'KEYFORMATVERSIONS="1"'
    )
    assert identity == (
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="../../keys/01010101010101010101010101010101",'
        'IV=0x000102030405060708090a0b0c0d0e0f,KEYFORMAT="",KEYFORMATVERSIONS="1"'
    )


def test_the_identity_form_is_the_rfcs_own(encode: Encode) -> None:
    rendition, _ = write(encode("aac"), scheme=Scheme.CBCS)

    (identity,) = _keys(rendition, HlsForm.IDENTITY)

    assert identity == (
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="../../keys/01010101010101010101010101010101",'
        'IV=0x000102030405060708090a0b0c0d0e0f,KEYFORMAT="identity",KEYFORMATVERSIONS="1"'
    )


def test_cenc_is_another_method_without_an_iv(encode: Encode) -> None:
    """shaka-packager#358."""
    rendition, _ = write(encode("aac"), scheme=Scheme.CENC)

    for line in _keys(rendition, HlsForm.WEB):
        assert "METHOD=SAMPLE-AES-CTR" in line
        assert "IV=" not in line


def test_the_same_package_gives_the_same_text(album_track: Package) -> None:
    again = package(*reversed(album_track.renditions))

    assert multivariant(again) == multivariant(album_track)


def test_no_path_of_the_machine_is_in_a_playlist(album_track: Package) -> None:
    assert str(Path.cwd()) not in multivariant(album_track)


ALL_SYSTEMS = KeySystems(
    widevine=True, playready=True, fairplay=True, playready_la_url="https://license.example/pr?a&b"
)


def test_every_key_system_has_a_line(encode: Encode) -> None:
    """shaka-packager#1304; packagers.md H1-H3."""
    rendition, _ = write(encode("aac"), scheme=Scheme.CBCS)
    text = media(rendition, HlsForm.IDENTITY, systems=ALL_SYSTEMS)
    lines = {
        re.search('KEYFORMAT="([^"]*)"', line)[1]: line  # type: ignore[index]  # all have one
        for line in text.splitlines()
        if line.startswith("#EXT-X-KEY:")
    }

    assert set(lines) == {IDENTITY, WIDEVINE, PLAYREADY, FAIRPLAY}
    assert f'URI="skd://{"01" * 16}"' in lines[FAIRPLAY]
    assert "IV=" not in lines[FAIRPLAY]
    assert 'URI="data:text/plain;base64,' in lines[WIDEVINE]
    assert f"KEYID=0x{'01' * 16}" in lines[WIDEVINE]
    assert 'URI="data:text/plain;charset=UTF-16;base64,' in lines[PLAYREADY]


@pytest.mark.parametrize("form", HlsForm)
def test_a_new_key_has_a_new_address_in_every_form(encode: Encode, form: HlsForm) -> None:
    """hls.js and others keep a key by its URI: the key of a re-delivery must have another one."""
    first, second = (
        {
            key.uri
            for key in m3u8.loads(
                media(write(encode("aac"), scheme=Scheme.CBCS, kid=kid)[0], form)
            ).keys
            if key is not None
        }
        for kid in (1, 2)
    )

    assert first
    assert not first & second


def test_fairplay_is_not_offered_cenc(encode: Encode) -> None:
    rendition, _ = write(encode("aac"), scheme=Scheme.CENC)

    assert FAIRPLAY not in media(rendition, HlsForm.IDENTITY, systems=ALL_SYSTEMS)


def test_session_keys_repeat_each_key_once_with_its_attributes(album_track: Package) -> None:
    """shaka-packager#363; packagers.md H3."""
    text = multivariant(album_track, HlsForm.IDENTITY, systems=ALL_SYSTEMS)
    session = [
        line.removeprefix("#EXT-X-SESSION-KEY:")
        for line in text.splitlines()
        if line.startswith("#EXT-X-SESSION-KEY:")
    ]
    of_media = {
        line.removeprefix("#EXT-X-KEY:")
        for one in album_track.renditions
        for line in media(one, HlsForm.IDENTITY, systems=ALL_SYSTEMS).splitlines()
        if line.startswith("#EXT-X-KEY:")
    }

    assert len(session) == len(set(session)) == 3 * 4  # keys, systems
    assert set(session) == of_media


def test_the_web_form_has_no_session_key_of_an_empty_format(album_track: Package) -> None:
    assert 'KEYFORMAT=""' not in multivariant(album_track, HlsForm.WEB)


def test_gapless_data_and_stable_ids(album_track: Package) -> None:
    text = multivariant(album_track)
    data = {one.data_id: one.value for one in m3u8.loads(text).session_data}
    trim = next(one.trim for one in album_track.renditions if one.name == "aac-128k")

    assert data["org.headwater.title"] == data["com.apple.hls.title"] == "Rain & 'Röck'"
    assert data["org.headwater.gapless.aac-128k"] == (
        f"44100:{trim.delay}/{trim.samples}/{trim.padding}"
    )
    for playlist in m3u8.loads(text).playlists:
        assert f"{playlist.stream_info.stable_variant_id}.m3u8" == playlist.uri


@pytest.fixture
def with_second_files(encode: Encode) -> Package:
    locked, _ = write(encode("aac"), name="aac-128k-aes128", scheme=Scheme.AES_128, kid=9)
    aac, _ = write(encode("aac"), scheme=Scheme.CBCS)
    opus, _ = write(encode("opus"), name="opus-96k", scheme=Scheme.CBCS)
    return package(replace(aac, aes128=locked), opus)


def test_the_aes_128_form_is_made_of_the_second_files(with_second_files: Package) -> None:
    """packagers.md E8: the map stands before the key, so it is clear; the IV is explicit."""
    playlists = m3u8.loads(multivariant(with_second_files, HlsForm.AES_128)).playlists
    locked = with_second_files.rendition("aac-128k-aes128")
    assert locked
    lines = media(locked, HlsForm.AES_128).splitlines()
    key = next(line for line in lines if line.startswith("#EXT-X-KEY:"))

    assert [one.uri for one in playlists] == ["aac-128k-aes128.m3u8"]
    assert "METHOD=AES-128" in key
    assert "IV=0x000102030405060708090a0b0c0d0e0f" in key
    assert lines.index(key) == 1 + next(
        number for number, line in enumerate(lines) if line.startswith("#EXT-X-MAP:")
    )
    for segment in m3u8.loads("\n".join(lines)).segments:
        assert int(segment.byterange.partition("@")[0]) % 16 == 0  # Bento4#127


def test_other_forms_do_not_show_second_files(with_second_files: Package) -> None:
    assert "aes128" not in multivariant(with_second_files, HlsForm.WEB)


def test_segments_have_urls_of_their_own(encode: Encode) -> None:
    rendition, _ = write(encode("aac"))
    ranges = m3u8.loads(media(rendition, HlsForm.WEB))
    parsed = m3u8.loads(
        media(rendition, HlsForm.WEB, media_base="../../", addressing=Addressing.SEGMENTS)
    )

    assert [one.uri for one in parsed.segments] == [
        f"../../aac-128k/{number}.m4s" for number in (1, 2, 3)
    ]
    assert {one.byterange for one in parsed.segments} == {None}
    assert parsed.segments[0].init_section.uri == "../../aac-128k/init.mp4"
    assert [one.duration for one in parsed.segments] == [one.duration for one in ranges.segments]


def test_loudness_is_session_data_where_it_is_known(album_track: Package) -> None:
    def told(one: Package) -> dict[str, str]:
        data = {each.data_id: each.value for each in m3u8.loads(multivariant(one)).session_data}
        return {name: value for name, value in data.items() if "loudness" in name}

    track = {"org.headwater.loudness.track": "integrated=-14.2,range=5.3,true-peak=-1.1"}
    assert told(album_track) == track
    with_album = replace(album_track, album_loudness=ALBUM_LOUDNESS)
    album = {"org.headwater.loudness.album": "integrated=-13.7,range=9,true-peak=0.4"}
    assert told(with_album) == track | album
    assert told(replace(album_track, loudness=Loudness(None, None, None))) == {}
    assert told(replace(album_track, loudness=None)) == {}

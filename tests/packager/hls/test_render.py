"""HLS text, read back by the m3u8 library's parser."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import m3u8
import pytest

from packager.hls.render import HlsForm, media, multivariant
from packager.model import Package, Rendition, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import package, write


@pytest.fixture
def album_track(encode: Encode) -> Package:
    return package(
        write(encode("flac"), name="flac", tier="lossless", scheme=Scheme.CBCS, kid=3)[0],
        write(encode("aac"), scheme=Scheme.CBCS)[0],
        write(encode("aac"), name="aac-320k", tier="premium", scheme=Scheme.CBCS, kid=2)[0],
        write(encode("opus"), name="opus-96k", scheme=Scheme.CBCS)[0],
    )


def test_every_rendition_is_a_variant_of_its_group(album_track: Package) -> None:
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


def test_lossless_groups_say_rate_and_depth(album_track: Package) -> None:
    lines = multivariant(album_track).splitlines()
    depth = album_track.renditions[0].bit_depth

    assert any(line.endswith(f'"2",SAMPLE-RATE=44100,BIT-DEPTH={depth}') for line in lines)
    assert any(line.endswith('CHANNELS="2",SAMPLE-RATE=48000') for line in lines)


def test_bandwidths_come_from_the_segments(album_track: Package) -> None:
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

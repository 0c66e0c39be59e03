"""A path has one spelling and one meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.paths import (
    CompanionFile,
    Cover,
    Form,
    HlsKey,
    InitSegment,
    Manifest,
    MediaPath,
    MediaSegment,
    ReleaseManifest,
    TrackFile,
    parse,
    split_token,
)
from packager.addressing import Addressing

TRACK, REVISION = "t" + "a2" * 10, "0123456789abcdef"
BASE = f"tracks/{TRACK}/{REVISION}"
ID = (TRACK, REVISION)
KID = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (f"{BASE}/aac-128k.mp4", TrackFile(*ID, "aac-128k")),
        (f"{BASE}/flac/init.mp4", InitSegment(*ID, "flac")),
        (f"{BASE}/flac/1.m4s", MediaSegment(*ID, "flac", 1)),
        (f"{BASE}/opus-96k/123456.m4s", MediaSegment(*ID, "opus-96k", 123456)),
        (f"{BASE}/keys/{KID}", HlsKey(*ID, bytes.fromhex(KID))),
        (
            f"{BASE}/standard/dash/manifest.mpd",
            Manifest(*ID, "standard", Form.DASH, Addressing.RANGES, None),
        ),
        (
            f"{BASE}/a/dash-segments/manifest.mpd",
            Manifest(*ID, "a", Form.DASH, Addressing.SEGMENTS, None),
        ),
        (
            f"{BASE}/a-b_c/hls/multivariant.m3u8",
            Manifest(*ID, "a-b_c", Form.HLS, Addressing.RANGES, None),
        ),
        (
            f"{BASE}/a/hls-identity-segments/flac.m3u8",
            Manifest(*ID, "a", Form.HLS_IDENTITY, Addressing.SEGMENTS, "flac"),
        ),
        (
            f"{BASE}/a/hls-aes128/flac-aes128.m3u8",
            Manifest(*ID, "a", Form.HLS_AES128, Addressing.RANGES, "flac-aes128"),
        ),
        (
            f"releases/r{'a' * 20}/{'0' * 16}/a/hls-segments/chapters.json",
            ReleaseManifest(
                "r" + "a" * 20,
                "0" * 16,
                "a",
                Form.HLS,
                Addressing.SEGMENTS,
                None,
                is_chapters=True,
            ),
        ),
        (f"covers/{'a' * 64}.jpg", Cover("a" * 64, "jpg")),
        *(
            (f"{BASE}/{file}", CompanionFile(*ID, file))
            for file in (
                "lyrics-en.vtt",
                "lyrics-zh-hant.txt",
                "segments-und.vtt",
                "no-lyrics.vtt",
                "covers.json",
                "cover-640x480.jpg",
                "download-free_2.mp3",
                "download-standard.m4a",
            )
        ),
    ],
)
def test_what_a_path_means(rest: str, expected: MediaPath) -> None:
    assert parse(rest) == expected


@pytest.mark.parametrize(
    "rest",
    [
        "",
        BASE,
        f"{BASE}/",
        f"/{BASE}/flac.mp4",
        f"{BASE}//flac.mp4",
        f"{BASE}/flac.mp4/",
        f"{BASE}/flac.mp4\n",
        f"{BASE}/flac.MP4",
        f"{BASE}/Flac.mp4",
        f"{BASE}/-flac.mp4",
        f"{BASE}/flac-.mp4",
        f"{BASE}/fl--ac.mp4",
        f"{BASE}/../flac.mp4",
        f"{BASE}/..%2fflac.mp4",
        f"{BASE}/%66lac.mp4",
        f"{BASE}/package.json",
        f"{BASE}/manifest.mpd",
        f"{BASE}/multivariant.m3u8",
        f"{BASE}/flac/0.m4s",
        f"{BASE}/flac/01.m4s",
        f"{BASE}/flac/1234567.m4s",
        f"{BASE}/flac/-1.m4s",
        f"{BASE}/flac/\u0661.m4s",
        f"{BASE}/flac/1.m4s.m4s",
        f"{BASE}/flac/init.m4s",
        f"{BASE}/keys/{KID[:-1]}",
        f"{BASE}/keys/{KID.upper()}",
        f"{BASE}/keys/{KID}/",
        f"{BASE}/standard/smooth/manifest.mpd",
        f"{BASE}/standard/dash/other.mpd",
        f"{BASE}/standard/hls-pieces/multivariant.m3u8",
        f"{BASE}/standard/dash-segments/multivariant.m3u8",
        f"{BASE}/Standard/dash/manifest.mpd",
        f"{BASE}/standard-/dash/manifest.mpd",
        f"{BASE}/1a/dash/manifest.mpd",
        f"tracks/{TRACK[:-1]}/{REVISION}/flac.mp4",
        f"tracks/{TRACK[:-1]}1/{REVISION}/flac.mp4",
        f"tracks/{TRACK}/{REVISION[:-1]}/flac.mp4",
        f"tracks/{TRACK}/{REVISION.upper()}/flac.mp4",
        f"covers/{'a' * 63}.jpg",
        f"{BASE}/lyrics-EN.vtt",
        f"{BASE}/lyrics-.vtt",
        f"{BASE}/segments-en.txt",
        f"{BASE}/cover-0x1.jpg",
        f"{BASE}/cover-1x1.gif",
        f"{BASE}/download-standard.flac",
        f"{BASE}/download-1.mp3",
        f"{BASE}/standard/covers.json",
        f"covers/{'a' * 64}.svg",
        f"covers/{'a' * 64}.jpg/..",
        f"{BASE}/" + "a" * 600 + ".mp4",
    ],
)
def test_everything_else_means_nothing(rest: str) -> None:
    assert parse(rest) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_grammar(text: str) -> None:
    parse(text)
    parse(f"{BASE}/{text}")
    split_token(text)
    split_token(f"/v1/t/{text}")


def test_the_token_stands_in_front() -> None:
    assert split_token("/v1/t/1.a.b~c/tracks/x") == ("1.a.b~c", "tracks/x")
    for odd in ("/v1/t/", "/v1/t/a", "/v1/t//x", "/v1/t/a%2e/x", "/V1/t/a/x", "v1/t/a/x"):
        assert split_token(odd) is None
    assert split_token("/v1/t/" + "a" * 513 + "/x") is None

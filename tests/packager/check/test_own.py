"""Whatever we package, our own inspector finds nothing to say against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from packager.addressing import Addressing
from packager.check import Severity
from packager.dash import render as dash
from packager.hls.release import release_media, release_multivariant
from packager.hls.render import HlsForm
from packager.model import Package, Scheme
from packager.release import in_common
from tests.packager.check.staged import KEYS, Stage, stage, staged
from tests.packager.conftest import Encode
from tests.packager.packages import SAMPLE_SCHEMES, package, write

CODECS = ("aac", "opus", "flac", "alac")


def _silent(one: Stage, *names: str) -> None:
    assert one.findings(*names) == ()


@pytest.mark.parametrize("addressing", Addressing)
@pytest.mark.parametrize("scheme", SAMPLE_SCHEMES)
def test_every_form_is_without_a_finding(
    encode: Encode, scheme: Scheme, addressing: Addressing
) -> None:
    for codec in CODECS:
        _silent(staged(encode, codec, scheme=scheme, addressing=addressing))


def test_all_codecs_in_one_package(encode: Encode) -> None:
    _silent(staged(encode, *CODECS, scheme=Scheme.CBCS, form=HlsForm.WEB))


@pytest.mark.parametrize("addressing", Addressing)
def test_whole_segment_encryption(encode: Encode, addressing: Addressing) -> None:
    _silent(
        staged(
            encode,
            *("aac", "flac"),
            scheme=Scheme.AES_128,
            form=HlsForm.AES_128,
            addressing=addressing,
        )
    )


def test_two_bit_rates_on_keys_of_their_own(encode: Encode) -> None:
    _silent(
        stage(
            {
                name: write(encode("aac"), name=name, scheme=Scheme.CENC, kid=kid, segment_s=2)
                for kid, name in enumerate(("low", "high"), 1)
            }
        )
    )


@pytest.mark.parametrize("rate", [96000, 192000])
def test_high_rates(encode: Encode, rate: int) -> None:
    high = write(encode("flac", rate=rate, seconds=2.5), name="flac", segment_s=1)
    _silent(stage({"flac": high}))


def test_without_keys_nothing_is_looked_into(encode: Encode) -> None:
    findings = staged(encode, "aac", scheme=Scheme.CBCS).findings(keys={})

    assert {finding.rule for finding in findings} == {"C1.key"}
    assert {finding.severity for finding in findings} == {Severity.NOTE}


@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC, Scheme.AES_128])
@pytest.mark.parametrize("codec", CODECS)
def test_another_key_is_seen(encode: Encode, codec: str, scheme: Scheme) -> None:
    form = HlsForm.AES_128 if scheme is Scheme.AES_128 else HlsForm.IDENTITY
    package = staged(encode, codec, scheme=scheme, form=form)
    wrong = dict.fromkeys(KEYS, b"0123456789abcdef")

    assert "C1.frames" in {finding.rule for finding in package.findings(keys=wrong)}


def test_a_file_is_inspected_on_its_own(encode: Encode) -> None:
    _silent(staged(encode, "opus", scheme=Scheme.CENC), "opus.mp4")


@pytest.mark.parametrize("scheme", SAMPLE_SCHEMES)
def test_a_release(encode: Encode, scheme: Scheme) -> None:
    """Two tracks in one playlist with discontinuities, and in one MPD of two Periods."""
    files: dict[str, bytes] = {}
    packages = []
    for number, (seconds, rate) in enumerate(((5.003, 44100), (2.5, 96000))):
        made = [
            write(
                encode(codec, seconds=seconds, rate=rate if codec == "flac" else 44100),
                name=codec,
                scheme=scheme,
                kid=2 * number + at + 1,
            )
            for at, codec in enumerate(("aac", "flac"))
        ]
        track = replace(package(*(one for one, _ in made)), track_id=f"t{number}")
        packages.append(track)
        files |= {f"{track.track_id}/{one.file}": data for one, data in made}
    tracks = in_common(packages)
    base: Callable[[Package], str] = lambda one: f"{one.track_id}/"  # noqa: E731 - used twice
    mpd = dash.release_mpd(tracks, title="A", artist="B", media_base=base)
    files["manifest.mpd"] = mpd.encode()
    text = release_multivariant(tracks, HlsForm.IDENTITY, title="A", artist="B")
    files["multivariant.m3u8"] = text.encode()
    for codec in ("aac", "flac"):
        text = release_media(tracks, codec, HlsForm.IDENTITY, media_base=base, key_base=base)
        files[f"{codec}.m3u8"] = text.encode()

    _silent(Stage(files))


def test_lyrics_are_passed_over(encode: Encode) -> None:
    one = staged(encode, "aac")
    subtitles = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",URI="text.m3u8"\n'
    # As in a release: the words of another track are in another file.
    parts = "#EXTINF:5,\n1.vtt\n#EXT-X-DISCONTINUITY\n#EXTINF:5,\n2.vtt\n"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n{parts}#EXT-X-ENDLIST\n"
    texts = {"text.m3u8": playlist.encode(), "1.vtt": b"WEBVTT\n", "2.vtt": b"WEBVTT\n"}
    files = {**one.files, **texts}
    with_text = Stage(files).changed("multivariant.m3u8", lambda data: data + subtitles.encode())

    _silent(with_text)

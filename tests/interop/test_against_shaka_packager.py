"""Another writer: the same encoded file through Shaka Packager and through ours.

What differs, and why, is told in docs/interop.md; each difference is asserted here too, so that
the document stays true.
"""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import pytest

from packager.demux import demux
from packager.hls import render as hls
from packager.hls.render import HlsForm
from packager.model import EncodedTrack, Rendition, Scheme
from packager.segmenter import segment_ticks
from tests.packager.conftest import SECONDS, Encode, encode
from tests.packager.packages import SAMPLE_SCHEMES, write
from tests.support.shaka_packager import ShakaPackage, shaka_decrypt, shaka_package

__all__ = ["encode"]  # the fixture

pytestmark = pytest.mark.server

TARGET_S = 4
CODECS = ("aac", "opus", "flac", "alac", "ac3")
CASES = [(codec, scheme) for codec in CODECS for scheme in SAMPLE_SCHEMES]


def _track(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


def _samples(path: Path) -> list[bytes]:
    data = path.read_bytes()
    table = _track(data).table
    return [data[at : at + size] for at, size in zip(table.offsets, table.sizes, strict=True)]


def _both(
    encode: Encode, folder: Path, codec: str, scheme: Scheme
) -> tuple[Rendition, Path, ShakaPackage]:
    """Ours and theirs, on the same grid: the target is a whole number of frames."""
    encoded = encode(codec)
    config = _track(encoded.read_bytes()).config
    rendition, data = write(encoded, name="audio", scheme=scheme, segment_s=TARGET_S)
    ours = folder / "ours.mp4"
    ours.write_bytes(data)
    step_s = Fraction(segment_ticks(config, Fraction(TARGET_S)), config.timescale)
    return rendition, ours, shaka_package(encoded, folder / "shaka", scheme, step_s)


@pytest.mark.parametrize(("codec", "scheme"), CASES)
def test_the_samples_are_the_same_once_decrypted(
    encode: Encode, tmp_path: Path, codec: str, scheme: Scheme
) -> None:
    _, ours, theirs = _both(encode, tmp_path, codec, scheme)
    files = {"ours": ours, "theirs": theirs.file}
    if scheme is not Scheme.CLEAR:
        for name, file in files.items():
            files[name] = tmp_path / f"{name}-clear.mp4"
            shaka_decrypt(file, files[name])

    wanted = _samples(encode(codec))

    assert _samples(files["ours"]) == wanted
    assert _samples(files["theirs"]) == wanted


@pytest.mark.parametrize("scheme", SAMPLE_SCHEMES)
@pytest.mark.parametrize("codec", CODECS)
def test_boundaries_are_within_a_frame(
    encode: Encode, tmp_path: Path, codec: str, scheme: Scheme
) -> None:
    """Theirs are at the first frame presented at or after the target, ours at the nearest."""
    rendition, _, theirs = _both(encode, tmp_path, codec, scheme)
    frame_s = _track(encode(codec).read_bytes()).config.frame_ticks / rendition.timescale

    own = [segment.start / rendition.timescale for segment in rendition.segments]
    durations = [segment.duration for segment in theirs.media().segments]
    peer = list(accumulate(durations, initial=0))

    assert len(own) == SECONDS // TARGET_S + (SECONDS % TARGET_S > 0.5)
    for mine, other in zip(own, peer, strict=False):
        assert abs(mine - other) <= frame_s + 0.002  # their EXTINF has three decimals
    # A tail of less than half a second is a segment of its own only there.
    assert len(peer) - 1 - len(own) in {0, 1}


@pytest.mark.parametrize(("codec", "scheme"), CASES)
def test_codecs_and_bandwidth(encode: Encode, tmp_path: Path, codec: str, scheme: Scheme) -> None:
    rendition, _, theirs = _both(encode, tmp_path, codec, scheme)
    variant = theirs.variant()

    # Theirs are in lower case where Apple's players want RFC 6381's spelling.
    assert variant.codecs.lower() == rendition.codecs.lower()
    assert (variant.codecs != rendition.codecs) == (codec in {"opus", "flac"})
    assert variant.average_bandwidth == pytest.approx(rendition.average_bps, rel=0.01)
    # Of AC-3 the last segment is just shorter than half the target here, and does not count
    # (RFC 8216, 4.1); there it is the peak.
    within = 0.02 if codec == "ac3" else 0.01
    assert variant.bandwidth == pytest.approx(rendition.peak_bps, rel=within)
    assert max(_whole_rates(theirs)) == pytest.approx(max(_own_rates(rendition)), rel=0.01)


def _whole_rates(made: ShakaPackage) -> list[float]:
    """Bit rates of all segments but the last."""
    segments = made.media().segments[: int(SECONDS // TARGET_S)]
    return [8 * int(one.byterange.partition("@")[0]) / one.duration for one in segments]


def _own_rates(made: Rendition) -> list[float]:
    segments = made.segments[: int(SECONDS // TARGET_S)]
    return [8 * one.span.size * made.timescale / one.duration for one in segments]


@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC])
def test_their_defects_are_not_ours(encode: Encode, tmp_path: Path, scheme: Scheme) -> None:
    """Raw keys: their cenc playlist has no EXT-X-KEY; their TARGETDURATION is rounded up."""
    rendition, _, theirs = _both(encode, tmp_path, "aac", scheme)
    ours = hls.media(rendition, HlsForm.IDENTITY)

    assert (theirs.media().keys == [None]) == (scheme is Scheme.CENC)
    assert "#EXT-X-KEY" in ours
    longest = max(segment.duration for segment in theirs.media().segments)
    assert theirs.media().target_duration == int(longest) + 1
    assert f"#EXT-X-TARGETDURATION:{round(longest)}\n" in ours


def test_packaging_again_gives_the_same_bytes_only_here(encode: Encode, tmp_path: Path) -> None:
    """Their header has the date of packaging."""
    first, second = (write(encode("aac"), scheme=Scheme.CBCS)[1] for _ in range(2))
    theirs = shaka_package(encode("aac"), tmp_path / "shaka", Scheme.CBCS).file.read_bytes()

    assert first == second
    assert theirs[theirs.index(b"mvhd") + 8 :][:4] != bytes(4)
    assert first[first.index(b"mvhd") + 8 :][:4] == bytes(4)

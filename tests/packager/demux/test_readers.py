"""What every reader says of real encoders' files, and that damage raises our errors only."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packager.demux import demux
from packager.errors import MalformedMedia, PackagerError, UnsupportedMedia
from packager.model import EncodedTrack, Trim
from tests.packager.demux.conftest import Stream

DAMAGED = (
    "stereo.aac",
    "stereo.m4a",
    "stereo.opus",
    "stereo.flac",
    "stereo.ac3",
    "5.1.eac3",
    "5.1.eac3.mp4",
    "fragments.aac.mp4",
)
MOST_S = 20.0  # for a file of some 50 KB on a busy machine: no loop that a size can drive


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


@pytest.mark.parametrize(
    ("name", "codecs", "layout", "frame", "trim"),
    [
        ("stereo.aac", "mp4a.40.2", (2, 2), 1024, Trim(0, 144 * 1024, 0)),
        ("mono.aac", "mp4a.40.2", (1, 1), 1024, Trim(0, 156 * 1024, 0)),
        ("5.1.aac", "mp4a.40.2", (6, 6), 1024, Trim(0, 156 * 1024, 0)),
        ("stereo.m4a", "mp4a.40.2", (2, 2), 1024, Trim(1024, 145530, 902)),
        ("7.1.m4a", "mp4a.40.2", (8, 7), 1024, Trim(1024, 158400, 320)),
        ("quad.m4a", "mp4a.40.2", (4, 10), 1024, Trim(1024, 158400, 320)),
        ("stereo.opus", "Opus", (2, 2), 960, Trim(312, 158400, 648)),
        ("5.1.opus", "Opus", (6, 6), 960, Trim(312, 158400, 648)),
        ("7.1.opus", "Opus", (8, 12), 960, Trim(312, 158400, 648)),
        ("40ms.opus", "Opus", (2, 2), 1920, Trim(312, 158400, 648)),
        ("stereo.flac", "fLaC", (2, 2), 4608, Trim(0, 145530, 0)),
        ("7.1.flac", "fLaC", (8, 12), 4096, Trim(0, 211200, 0)),
        ("5.1.alac.m4a", "alac", (6, 6), 4096, Trim(0, 158400, 0)),
        ("stereo.ac3", "ac-3", (2, 2), 1536, Trim(0, 95 * 1536, 0)),
        ("5.1.ac3", "ac-3", (6, 6), 1536, Trim(0, 104 * 1536, 0)),
        ("5.1.eac3", "ec-3", (6, 6), 1536, Trim(0, 104 * 1536, 0)),
        ("5.1.ac3.mp4", "ac-3", (6, 6), 1536, Trim(256, 158144, 1344)),
        ("5.1.eac3.mp4", "ec-3", (6, 6), 1536, Trim(256, 158144, 1344)),
        ("fragments.aac.mp4", "mp4a.40.2", (2, 2), 1024, Trim(1024, 145530, 902)),
        ("offsets.aac.mp4", "mp4a.40.2", (2, 2), 1024, Trim(0, 146554, 902)),
        ("cmaf.flac.mp4", "fLaC", (2, 2), 4608, Trim(0, 145530, 0)),
    ],
)
def test_real_files(
    stream: Stream, name: str, codecs: str, layout: tuple[int, int], frame: int, trim: Trim
) -> None:
    track = _demux(stream(name).read_bytes())

    config = track.config
    assert config.codecs == codecs
    assert (config.channels, config.channel_configuration) == layout
    assert config.frame_ticks == frame
    assert track.trim == trim
    assert sum(track.table.durations) == trim.delay + trim.samples + trim.padding


@pytest.mark.parametrize("name", DAMAGED)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_raise_our_errors_in_bounded_time(
    stream: Stream, name: str, data: st.DataObject
) -> None:
    damaged = bytearray(stream(name).read_bytes())
    # Headers are at both ends: of a stream in front, of ffmpeg's MP4 behind.
    places = st.one_of(
        st.integers(0, min(200, len(damaged) - 1)),
        st.integers(max(0, len(damaged) - 1500), len(damaged) - 1),
        st.integers(0, len(damaged) - 1),
    )
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(places)] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    began = time.monotonic()
    with suppress(PackagerError):
        track = _demux(bytes(damaged[:end]))
        assert len(track.table) <= len(damaged)
        assert track.trim.samples > 0
    assert time.monotonic() - began < MOST_S


@pytest.mark.parametrize("name", DAMAGED)
def test_files_that_end_early_are_never_taken_for_whole(stream: Stream, name: str) -> None:
    whole = stream(name).read_bytes()

    for cut in (1, 40, len(whole) // 2 + 1):
        with pytest.raises(PackagerError):
            _demux(whole[:-cut])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xff\xfb\x90\x00" + bytes(20), "MP3"),
        (b"RIFF" + bytes(20), "a WAV file: encode it first"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "Matroska"),
        (b"<html>" + bytes(20), "no MP4, ADTS"),
    ],
)
def test_other_formats_are_named(data: bytes, problem: str) -> None:
    with pytest.raises(UnsupportedMedia, match=problem):
        _demux(data)


def test_next_to_nothing_is_no_media_file() -> None:
    with pytest.raises(MalformedMedia, match="11 bytes are no media file"):
        _demux(bytes(11))

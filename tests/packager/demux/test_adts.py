"""ADTS streams, and the spectral band replication that their headers keep to themselves."""

from __future__ import annotations

import io
import random

import pytest

from packager.demux import demux
from packager.demux.sbr import sbr_data
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack, Trim
from tests.packager.demux.conftest import Stream
from tests.support.streams import adts_frame, bits

RANDOM = random.Random(14496)


def _demux(data: bytes) -> EncodedTrack:
    return demux(io.BytesIO(data))


def sbr_block(count: int, *, head: int = 997, extension: int = 13) -> bytes:
    """A raw_data_block that ends in a fill element of `count` bytes of SBR data and ID_END."""
    length = [(count, 4)] if count < 15 else [(15, 4), (count - 14, 8)]
    payload = int.from_bytes(RANDOM.randbytes(count), "big") & (1 << count * 8 - 4) - 1
    audio = RANDOM.getrandbits(head)
    return bits(
        *((audio, head), (6, 3), *length), (extension << count * 8 - 4 | payload, 8 * count), (7, 3)
    )


@pytest.mark.parametrize("count", [1, 14, 15, 40, 269])
@pytest.mark.parametrize("head", range(992, 1000))
def test_sbr_is_found_at_any_bit(count: int, head: int) -> None:
    assert sbr_data(sbr_block(count, head=head))
    assert sbr_data(sbr_block(count, head=head, extension=14))
    assert not sbr_data(bytes(100))
    assert not sbr_data(b"")


def test_a_stream_with_sbr_is_he_aac_at_twice_the_rate() -> None:
    data = b"".join(adts_frame(sbr_block(RANDOM.randint(20, 60))) for _ in range(100))

    track = _demux(data)

    config = track.config
    assert (config.codecs, config.sample_rate_hz, config.frame_ticks) == ("mp4a.40.5", 44100, 2048)
    assert config.config_box.endswith(bytes.fromhex("139056e5a0") + b"\6\1\2")
    assert track.trim == Trim(0, 100 * 2048, 0)


def test_real_aac_has_none(stream: Stream) -> None:
    """One frame in some tens looks so by chance; most of them must."""
    for name in ("stereo.aac", "mono.aac", "5.1.aac"):
        assert _demux(stream(name).read_bytes()).config.codecs == "mp4a.40.2"


def test_an_itunes_comment_in_an_id3_tag_is_the_gapless_data(stream: Stream) -> None:
    data = stream("stereo.aac").read_bytes()
    padding = 144 * 1024 - 2112 - 145000
    text = f" 00000000 {2112:08X} {padding:08X} {145000:016X} 00000000"
    for encoding, comment in (
        (0, b"iTunSMPB\0" + text.encode()),
        (1, b"iTunSMPB\0\0" + text.encode("utf-16")),
    ):
        frame = b"COMM" + len(comment).to_bytes(4, "big") + b"\0\0" + bytes([encoding]) + comment
        tag = b"ID3\3\0\0\0\0" + bytes([len(frame) >> 7, len(frame) & 127]) + frame
        assert _demux(tag + data).trim == Trim(2112, 145000, padding)


@pytest.mark.parametrize(
    ("data", "error", "problem"),
    [
        (adts_frame(b"abc", profile=0) * 2, UnsupportedMedia, "audio object type 1"),
        (adts_frame(b"abcdef", channels=0), UnsupportedMedia, "program_config_element"),
        (adts_frame(b"abcdef", rate_index=13), MalformedMedia, "header is broken"),
        (adts_frame(b"abcdef") + adts_frame(b"a", channels=1), UnsupportedMedia, "changes"),
        (adts_frame(b"abcdef") + b"junkjunk", MalformedMedia, "no frame begins here"),
        (adts_frame(b"abcdef")[:-1], MalformedMedia, "ends inside a frame"),
        (adts_frame(b"") + bytes(9), MalformedMedia, "header is broken"),
    ],
)
def test_what_cannot_be_packaged(data: bytes, error: type[Exception], problem: str) -> None:
    with pytest.raises(error, match=problem):
        _demux(data)

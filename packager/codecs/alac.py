"""ALAC: the ALACSpecificConfig. Apple Lossless reference sources, ALACMagicCookieDescription."""

from __future__ import annotations

from packager.boxes.base import UnknownBox
from packager.boxes.entries import AudioSampleEntry
from packager.bytestream import ByteReader
from packager.codecs import layouts
from packager.errors import MalformedMedia
from packager.model import Codec, CodecConfig


def read_config(entry: AudioSampleEntry) -> CodecConfig:
    """Configuration of an `alac` entry, from the `alac` box of the same name inside it."""
    for child in entry.children:
        if isinstance(child, UnknownBox) and child.code == b"alac":
            break
    else:
        raise MalformedMedia("has no alac box", path="stsd/alac")
    box = child.encode()
    reader = ByteReader(box[12:], path="stsd/alac/alac", base=0)  # size, type, version, flags
    frame = reader.uint(4)
    reader.take(1)
    depth = reader.uint(1)
    reader.take(3)
    channels = reader.uint(1)
    reader.take(2 + 4 + 4)
    rate = reader.uint(4)
    if not (frame and rate and channels):
        raise MalformedMedia("frame length, rate or channel count is 0", path="stsd/alac/alac")
    return CodecConfig(
        codec=Codec.ALAC,
        codecs="alac",
        sample_entry="alac",
        config_box=box,
        timescale=rate,
        sample_rate_hz=rate,
        channels=channels,
        bit_depth=depth,
        frame_ticks=frame,
        channel_configuration=layouts.ALAC.get(channels),
    )

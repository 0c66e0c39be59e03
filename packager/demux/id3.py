"""ID3 tags around a stream: passed over, but for the gapless data that some encoders put there.

ID3v2.4, 3.1 (header) and 3.4 (footer); ID3v1 is the last 128 bytes, "TAG" first.
"""

from __future__ import annotations

from dataclasses import dataclass

from packager.demux.itunes import Gapless, parse_smpb
from packager.demux.stream import ByteStream

_MAX_TAG = 64 << 20  # bytes: pictures
_MAX_TAGS = 8  # one after the other
_ID3V1 = 128  # bytes
_KEY = b"iTunSMPB"
_VALUE = 160  # bytes after the key that its text lies in


@dataclass(frozen=True, slots=True)
class Id3Tag:
    """What stands before and after the frames of a file."""

    end: int  # offset of the first byte after the tag in front
    audio_end: int  # offset of a tag behind, or the end of the file
    gapless: Gapless | None = None


def read_id3(stream: ByteStream) -> Id3Tag:
    """The tags of a file; without any, all of it is audio."""
    end = 0
    gapless = None
    for _ in range(_MAX_TAGS):
        head = stream.at(end, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        size = 0
        for digit in head[6:10]:
            size = size << 7 | digit & 0x7F
        if size > _MAX_TAG:
            break
        gapless = gapless or _gapless(stream, end + 10, end + 10 + size)
        end += 10 + size + (10 if head[5] & 0x10 else 0)
    last = stream.size - _ID3V1
    tagged = last >= end and stream.at(last, 3) == b"TAG"
    return Id3Tag(end, last if tagged else stream.size, gapless)


def _gapless(stream: ByteStream, start: int, end: int) -> Gapless | None:
    """A comment frame of iTunes; its text is Latin-1 or UTF-16, so zeros are dropped."""
    found = stream.find(_KEY, start, end)
    if found < 0:
        return None
    value = stream.at(found + len(_KEY), min(_VALUE, end - found))
    return parse_smpb(bytes(byte for byte in value if 0x20 <= byte < 0x7F))

"""Native FLAC files. RFC 9639.

A frame does not tell its length. It ends where the next one begins: at a sync code whose header
fits (CRC-8, and the number that has to follow), with the CRC-16 over all before it right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from packager.boxes.entries import FlacSpecificBox
from packager.codecs import flac
from packager.codecs.flac import StreamInfo
from packager.demux.crc import crc8, divides_crc16
from packager.demux.id3 import Id3Tag
from packager.demux.stream import ByteStream, TableBuilder
from packager.errors import MalformedMedia
from packager.model import EncodedTrack, Trim

_MARKER = b"fLaC"
_MAX_HEADER = 16  # bytes
_MAX_FRAME = 4 << 20  # bytes: more than 65,535 samples of 8 channels of 32 bits
_MAX_CANDIDATES = 64  # headers inside a frame that look like the next one's
# Blocking strategy and sync code, section 9.1.
_SYNC = {False: b"\xff\xf8", True: b"\xff\xf9"}
# Block size by its code, section 9.1.1; 6 and 7 follow in the header.
_BLOCKS = {1: 192, **{code: 144 << code for code in range(2, 6)}}
_BLOCKS |= {code: 1 << code for code in range(8, 16)}
_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
_DEPTHS = (0, 8, 12, -1, 16, 20, 24, 32)  # section 9.1.4; 0: see STREAMINFO


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """A frame header that fits its stream. Section 9.1."""

    variable: bool  # `number` counts samples, not frames
    number: int
    samples: int
    size: int  # bytes, CRC-8 included

    @property
    def following(self) -> int:
        """The next frame's number."""
        return self.number + (self.samples if self.variable else 1)


def read(stream: ByteStream, tag: Id3Tag) -> EncodedTrack:
    """Read a FLAC file. What it decodes to is what is presented: the coding is exact."""
    streaminfo, at = _metadata(stream, tag.end + len(_MARKER))
    info = flac.parse(streaminfo)
    frames = TableBuilder()
    header = read_header(stream.at(at, _MAX_HEADER), info)
    if header is None:
        raise MalformedMedia("no frame begins here", path="FLAC", offset=at)
    first = header
    following: FrameHeader | None = header
    while following is not None:
        header = following
        end, following = _next_frame(stream, at, header, info, tag.audio_end)
        if header.samples > info.max_block:
            raise MalformedMedia(f"a block of {header.samples} samples", path="FLAC", offset=at)
        frames.add(at, end - at, header.samples)
        at = end
    table = frames.table("FLAC frames")
    total = sum(table.durations)
    if info.samples and total != info.samples:
        raise MalformedMedia(f"{total} of {info.samples} samples", path="FLAC")
    config = flac.from_dfla(FlacSpecificBox(((0, streaminfo),)))
    longest = max(table.durations) if first.variable else first.samples
    return EncodedTrack(replace(config, frame_ticks=longest), table, Trim(0, total, 0))


def _metadata(stream: ByteStream, at: int) -> tuple[bytes, int]:
    """STREAMINFO, and where the frames begin. Section 8."""
    streaminfo = b""
    last = False
    while not last:
        head = stream.at(at, 4)
        if len(head) < 4:
            raise MalformedMedia("ends inside its metadata", path="FLAC", offset=at)
        last = bool(head[0] & 0x80)
        size = int.from_bytes(head[1:], "big")
        if not streaminfo:
            if head[0] & 0x7F:
                raise MalformedMedia("does not begin with STREAMINFO", path="FLAC", offset=at)
            streaminfo = stream.at(at + 4, min(size, 256))
        at += 4 + size
    return streaminfo, at


def _next_frame(
    stream: ByteStream, at: int, header: FrameHeader, info: StreamInfo, end: int
) -> tuple[int, FrameHeader | None]:
    """Where a frame ends, and the header that stands there; None at the end of the file."""
    start = at + header.size + 1
    limit = min(at + _MAX_FRAME, end)
    tried = 0
    while tried < _MAX_CANDIDATES:
        start = stream.find(_SYNC[header.variable], start + 1, limit)
        if start < 0:
            break
        found = read_header(stream.at(start, _MAX_HEADER), info)
        if found is not None and found.number == header.following:
            if divides_crc16(stream.at(at, start - at)):
                return start, found
            tried += 1
    if end - at > _MAX_FRAME or not divides_crc16(stream.at(at, end - at)):
        raise MalformedMedia("the frame is broken or cut short", path="FLAC", offset=at)
    return end, None


def read_header(data: bytes, info: StreamInfo) -> FrameHeader | None:
    """The frame header at the start of these bytes; None if there is none that fits the stream."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[3] & 1:
        return None
    number, at = _coded_number(data)
    block_code, rate_code = data[2] >> 4, data[2] & 15
    samples = _BLOCKS.get(block_code, 0)
    if block_code in {6, 7}:
        width = block_code - 5
        samples = int.from_bytes(data[at : at + width], "big") + 1
        at += width
    rate = _RATES[rate_code] if rate_code < 12 else 0
    if 12 <= rate_code < 15:
        width = 1 if rate_code == 12 else 2
        rate = int.from_bytes(data[at : at + width], "big") * (1, 1000, 1, 10)[rate_code - 11]
        at += width
    described = (rate or info.sample_rate_hz, _channels(data[3] >> 4), _DEPTHS[data[3] >> 1 & 7])
    wanted = (info.sample_rate_hz, info.channels, described[2] and info.bit_depth)
    if number < 0 or not samples or rate_code == 15 or described != wanted:
        return None
    if at >= len(data) or crc8(data[:at]) != data[at]:
        return None
    return FrameHeader(bool(data[1] & 1), number, samples, at + 1)


def _channels(code: int) -> int:
    """Section 9.1.3: 8 to 10 are ways to code stereo, more are reserved."""
    return code + 1 if code < 8 else 2 if code < 11 else 0


def _coded_number(data: bytes) -> tuple[int, int]:
    """A number coded like UTF-8, in up to 7 bytes, and where it ends; -1: broken. Section 9.1.5."""
    lead = data[4]
    ones = 8 - (lead ^ 0xFF).bit_length()
    if ones == 0:
        return lead, 5
    rest = data[5 : 4 + ones]
    if ones in {1, 8} or len(rest) < ones - 1 or any(byte >> 6 != 2 for byte in rest):
        return -1, 5
    number = lead & (0x7F >> ones)
    for byte in rest:
        number = number << 6 | byte & 0x3F
    return number, 4 + ones

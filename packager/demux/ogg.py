"""Opus in Ogg. RFC 3533 (pages and packets), RFC 7845 (Opus).

Pre-skip is the priming, and the last page's granule position the end of the music. A packet may
cross from one page into the next, so it can lie in several pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from packager.boxes.entries import OpusSpecificBox
from packager.codecs import opus
from packager.demux.id3 import Id3Tag
from packager.demux.stream import ByteStream, TableBuilder
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import ByteSpan, EncodedTrack, Trim

_CAPTURE = b"OggS"
_HEADER = 27  # bytes before the segment table
_CONTINUED, _FIRST, _LAST = 1, 2, 4  # header_type_flag
_NO_PACKET_ENDS = (1 << 64) - 1  # granule position -1
_MAX_PACKET = 61440  # bytes: what a decoder must take. RFC 7845, 6
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_FOREIGN = {b"\x01vorbis": "Vorbis", b"\x7fFLAC": "FLAC", b"Speex  ": "Speex"}


@dataclass(frozen=True, slots=True)
class _Page:
    """One page. RFC 3533, 6."""

    flags: int
    granule: int  # of the last packet that ends here
    serial: int
    number: int
    lacing: bytes  # the segment table
    body: int  # offset of the first byte after it
    end: int  # offset of the next page


def read(stream: ByteStream, tag: Id3Tag) -> EncodedTrack:
    """Read an Ogg file with one Opus stream; UnsupportedMedia for other or several streams."""
    pages = _pages(stream, tag.end, tag.audio_end)
    dops = _head(stream, pages)
    config = opus.from_dops(dops)
    reader = _Packets(stream)
    for page in pages:
        reader.add(page)
    table = replace(reader.frames.table("Opus packets"), pieces=reader.pieces)
    config = opus.with_packet(config, reader.start_of(0))
    config = replace(config, frame_ticks=max(table.durations))
    decoded = sum(table.durations)
    end = reader.last_granule - reader.first_granule
    if not reader.ended:
        raise MalformedMedia("the file ends before its last page", path="Ogg")
    if not dops.pre_skip < end <= decoded:
        raise MalformedMedia(f"{end} of {decoded} samples, {dops.pre_skip} to skip", path="Ogg")
    trim = Trim(dops.pre_skip, end - dops.pre_skip, decoded - end)
    return EncodedTrack(config, table, trim)


def _pages(stream: ByteStream, at: int, end: int) -> Iterator[_Page]:
    """Every page, whole and in order; one logical stream only."""
    serial = None
    number = 0
    while at < end:
        page = _page(stream, at, end)
        if serial is None:
            serial, number = page.serial, page.number
        if page.serial != serial:
            raise UnsupportedMedia("several streams in one Ogg file")
        if page.number != number:
            raise MalformedMedia(f"page {number} is missing", path="Ogg", offset=at)
        yield page
        number = number + 1 & 0xFFFFFFFF
        at = page.end


def _page(stream: ByteStream, at: int, end: int) -> _Page:
    head = stream.at(at, _HEADER)
    if len(head) < _HEADER or head[:5] != _CAPTURE + b"\0":
        raise MalformedMedia("no page begins here", path="Ogg", offset=at)
    lacing = stream.at(at + _HEADER, head[26])
    body = at + _HEADER + head[26]
    page_end = body + sum(lacing)
    if len(lacing) < head[26] or page_end > end:
        raise MalformedMedia("the file ends inside a page", path="Ogg", offset=at)
    whole = stream.at(at, page_end - at)
    if _crc(whole[:22] + bytes(4) + whole[26:]) != int.from_bytes(head[22:26], "little"):
        raise MalformedMedia("the page's checksum is wrong", path="Ogg", offset=at)
    granule, serial, number = (
        int.from_bytes(head[start:stop], "little") for start, stop in ((6, 14), (14, 18), (18, 22))
    )
    return _Page(head[5], granule, serial, number, lacing, body, page_end)


def _crc(data: bytes) -> int:
    """Polynomial 0x04c11db7 from 0, not reflected: zlib's of mirrored bytes, mirrored. RFC 3533."""
    mirrored = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def _head(stream: ByteStream, pages: Iterator[_Page]) -> OpusSpecificBox:
    """The identification header, alone on the first page; the comments on pages of their own.

    RFC 7845, 3 and 5.
    """
    page = next(pages, None)
    if page is None:
        raise MalformedMedia("is empty", path="Ogg")
    data = stream.at(page.body, page.end - page.body)
    for start, name in _FOREIGN.items():
        if data.startswith(start):
            raise UnsupportedMedia(f"{name} in Ogg cannot be packaged")
    if not data.startswith(b"OpusHead") or not page.flags & _FIRST:
        raise UnsupportedMedia("an Ogg file that does not begin with Opus")
    for comments in pages:  # they end where a segment of less than 255 bytes does
        if any(size < 255 for size in comments.lacing):
            return _parse_head(data)
    raise MalformedMedia("ends inside its comments", path="Ogg")


def _parse_head(data: bytes) -> OpusSpecificBox:
    """The same fields as `dOps`, but little-endian. RFC 7845, 5.1."""
    if len(data) < 19 or data[8] >> 4:
        raise MalformedMedia("version or length is unknown", path="OpusHead")
    channels, family = data[9], data[18]
    mapping = data[19 : 21 + channels] if family else b""
    if family and len(mapping) < 2 + channels:
        raise MalformedMedia("the channel mapping is cut short", path="OpusHead")
    pre_skip, rate = int.from_bytes(data[10:12], "little"), int.from_bytes(data[12:16], "little")
    gain = int.from_bytes(data[16:18], "little", signed=True)
    return OpusSpecificBox(channels, pre_skip, rate, gain, family, mapping)


class _Packets:
    """Joins the segments of pages to packets and keeps count of their samples."""

    def __init__(self, stream: ByteStream) -> None:
        self.stream = stream
        self.frames = TableBuilder()
        self.pieces: dict[int, tuple[ByteSpan, ...]] = {}
        self.open: list[ByteSpan] = []  # pieces of a packet that has not ended
        self.decoded = 0  # samples of the packets that have
        self.first_granule = 0  # where the first sample stands
        self.last_granule = 0
        self.ended = False

    def add(self, page: _Page) -> None:
        """The packets of a page, and whether its granule position fits them."""
        if self.ended:
            raise UnsupportedMedia("several streams, one after the other, in one Ogg file")
        if bool(page.flags & _CONTINUED) != bool(self.open):
            raise MalformedMedia("a packet is torn between pages", path="Ogg", offset=page.body)
        before = len(self.frames.sizes)
        self._split(page)
        self.ended = bool(page.flags & _LAST)
        if len(self.frames.sizes) > before:
            self._count(page, first=before == 0)

    def _split(self, page: _Page) -> None:
        at = page.body
        start = at
        for size in page.lacing:
            at += size
            if size < 255:
                self._end_packet(ByteSpan(start, at))
                start = at
        if at > start:
            self.open.append(ByteSpan(start, at))

    def _end_packet(self, last: ByteSpan) -> None:
        pieces = tuple(piece for piece in (*self.open, last) if piece.size)
        self.open = []
        size = sum(piece.size for piece in pieces)
        if not 0 < size <= _MAX_PACKET * 8:
            raise MalformedMedia(f"a packet of {size} bytes", path="Ogg", offset=last.start)
        if len(pieces) > 1:
            self.pieces[len(self.frames.sizes)] = pieces
        samples = opus.packet_samples(self._start(pieces))
        if not samples:
            raise MalformedMedia("a packet without frames", path="Ogg", offset=last.start)
        self.frames.add(pieces[0].start, size, samples)
        self.decoded += samples

    def _count(self, page: _Page, *, first: bool) -> None:
        """Granule positions count samples, pre-skip included. RFC 7845, 4."""
        if page.granule == _NO_PACKET_ENDS:
            raise MalformedMedia("a page has no time", path="Ogg", offset=page.body)
        if first:
            self.first_granule = max(0, page.granule - self.decoded)
        shown = page.granule - self.first_granule
        if shown > self.decoded or (shown < self.decoded and not self.ended):
            raise MalformedMedia("packets are missing", path="Ogg", offset=page.body)
        if page.granule < self.last_granule:
            raise MalformedMedia("time runs backwards", path="Ogg", offset=page.body)
        self.last_granule = page.granule

    def start_of(self, number: int) -> bytes:
        """The first bytes of a packet."""
        start = self.frames.offsets[number]
        whole = (ByteSpan(start, start + self.frames.sizes[number]),)
        return self._start(self.pieces.get(number, whole))

    def _start(self, pieces: tuple[ByteSpan, ...]) -> bytes:
        parts = (self.stream.at(piece.start, min(2, piece.size)) for piece in pieces[:2])
        return b"".join(parts)[:2]

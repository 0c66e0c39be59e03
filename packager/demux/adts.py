"""AAC in ADTS: a stream of frames, each behind a header of its own. ISO/IEC 14496-3:2019, 1.A.3.2.

The headers know AAC-LC only: spectral band replication is never signaled in them and has to be
found in the frames (`sbr`). A stream says nothing about priming and padding; where no encoder
left a comment in an ID3 tag, all of it is presented.
"""

from __future__ import annotations

from dataclasses import dataclass

from packager.boxes.entries import ElementaryStreamBox
from packager.bytestream import BitReader
from packager.codecs import aac
from packager.demux import sbr
from packager.demux.id3 import Id3Tag
from packager.demux.stream import ByteStream, TableBuilder
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack, Trim

_HEADER = 7  # bytes; 9 with a CRC
_BUFFER = 6144 // 8  # bytes per channel that a decoder must hold, 4.5.3.2


@dataclass(frozen=True, slots=True)
class AdtsHeader:
    """adts_fixed_header and adts_variable_header. 1.A.3.2.1, 1.A.3.2.2."""

    object_type: int
    rate_index: int
    channel_index: int
    size: int  # bytes, header included
    header_size: int  # bytes
    blocks: int  # raw_data_blocks in the frame

    @classmethod
    def read(cls, data: bytes, offset: int) -> AdtsHeader:
        """Read 7 bytes; MalformedMedia where they are no header."""
        bits = BitReader(data, path="ADTS")
        if len(data) < _HEADER or bits.bits(12) != 0xFFF:
            raise MalformedMedia("no frame begins here", path="ADTS", offset=offset)
        _, layer, no_crc, profile, rate, _, channels = (
            bits.bits(width) for width in (1, 2, 1, 2, 4, 1, 3)
        )
        bits.bits(4)  # original_copy, home, copyright identification
        size = bits.bits(13)
        bits.bits(11)  # fullness of the bit reservoir
        header_size = _HEADER if no_crc else _HEADER + 2
        if layer or rate >= len(aac.RATES) or size <= header_size:
            raise MalformedMedia("the frame's header is broken", path="ADTS", offset=offset)
        return cls(profile + 1, rate, channels, size, header_size, bits.bits(2) + 1)

    @property
    def fixed(self) -> tuple[int, int, int]:
        """What must not change from frame to frame."""
        return self.object_type, self.rate_index, self.channel_index


def read(stream: ByteStream, tag: Id3Tag) -> EncodedTrack:
    """Read an ADTS stream; UnsupportedMedia for anything but AAC-LC with and without SBR."""
    frames = TableBuilder()
    at = tag.end
    first = AdtsHeader.read(stream.at(at, _HEADER), at)
    _check(first)
    largest = 0
    while at < tag.audio_end:
        header = AdtsHeader.read(stream.at(at, _HEADER), at)
        if header.fixed != first.fixed or header.blocks != 1:
            raise UnsupportedMedia("an ADTS stream that changes on the way")
        if at + header.size > tag.audio_end:
            raise MalformedMedia("the file ends inside a frame", path="ADTS", offset=at)
        frames.add(at + header.header_size, header.size - header.header_size, 0)
        largest = max(largest, header.size)
        at += header.size
    table = frames.table("AAC frames")
    specific = aac.lc_specific_config(first.rate_index, first.channel_index)
    specific = sbr.made_explicit(stream, table, specific)
    ticks = aac.parse(specific).frame_ticks
    for number in range(len(table)):
        table.durations[number] = ticks
    decoded = len(table) * ticks
    rate = aac.RATES[first.rate_index]
    average = sum(table.sizes) * 8 * rate // (len(table) * 1024)
    esds = ElementaryStreamBox(
        aac.MPEG4_AUDIO,
        _BUFFER * aac.parse(specific).channels,
        max(largest * 8 * rate // 1024, average),
        average,
        specific,
    )
    trim = tag.gapless and (tag.gapless.trim(decoded) or tag.gapless.trim(decoded, ticks // 1024))
    return EncodedTrack(aac.from_esds(esds), table, trim or Trim(0, decoded, 0))


def _check(first: AdtsHeader) -> None:
    if first.object_type != aac.LC:
        raise UnsupportedMedia(f"AAC of audio object type {first.object_type} cannot be packaged")
    if not first.channel_index:
        raise UnsupportedMedia("an ADTS stream with its channels in a program_config_element")
    if first.blocks != 1:
        raise UnsupportedMedia("an ADTS stream with several blocks in a frame")

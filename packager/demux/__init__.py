"""Encoded files, taken apart into coded frames: one reader for each format, behind `demux`.

`mp4` reads MP4 and M4A files, and with `fragments` fragmented ones; `adts` AAC streams, `ogg`
Opus, `flac` native FLAC, `ac3` AC-3 and E-AC-3 streams. The frames stay where they are and are
named by offset: what a reader holds is columns of numbers and a window of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import BinaryIO

from packager.demux import ac3, adts, flac, mp4, ogg
from packager.demux.id3 import Id3Tag, read_id3
from packager.demux.stream import ByteStream
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import EncodedTrack, Trim

__all__ = ["demux", "with_length"]

_MP4 = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"sidx"))
_FOREIGN: Mapping[bytes, str] = {
    b"RIFF": "a WAV file",
    b"FORM": "an AIFF file",
    b"caff": "a CAF file",
    b"\x1a\x45\xdf\xa3": "a Matroska or WebM file",
}


def demux(source: BinaryIO) -> EncodedTrack:
    """Read the one audio track of an encoded file, whatever its format.

    Raises MalformedMedia for a broken file and UnsupportedMedia for one that holds video,
    several audio tracks, encrypted samples or an unknown coding.
    """
    stream = ByteStream(source)
    tag = read_id3(stream)
    head = stream.at(tag.end, 12)
    if len(head) < 12:
        raise MalformedMedia(f"{len(head)} bytes are no media file")
    if head[4:8] in _MP4:
        return mp4.read(source)
    return _reader(head)(stream, tag)


def _reader(head: bytes) -> Callable[[ByteStream, Id3Tag], EncodedTrack]:
    """The reader of a format that is known by its first bytes."""
    if head.startswith(b"fLaC"):
        return flac.read
    if head.startswith(b"OggS"):
        return ogg.read
    if head.startswith(b"\x0b\x77"):
        return ac3.read
    if head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # the layer of ADTS is 0
        return adts.read
    if head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        raise UnsupportedMedia("MP3 cannot be packaged")
    what = _FOREIGN.get(head[:4], "no MP4, ADTS, Ogg, FLAC, AC-3 or E-AC-3 file")
    raise UnsupportedMedia(f"{what}: encode it first")


def with_length(track: EncodedTrack, samples: int) -> EncodedTrack:
    """The same track presented for exactly `samples` ticks; the rest of the end is padding.

    A resampling encoder may count a tick more or less than the master's length asks for. Raises
    MalformedMedia where the track does not decode to that much.
    """
    decoded = track.trim.delay + track.trim.samples + track.trim.padding
    padding = decoded - track.trim.delay - samples
    if samples <= 0 or padding < 0:
        raise MalformedMedia(f"decodes to {decoded} ticks, which is too few for {samples}")
    return replace(track, trim=Trim(track.trim.delay, samples, padding))

"""An encoder's MP4 file, taken apart into coded frames. ISO/IEC 14496-12:2022, clause 8.

Only the movie box is read into memory; the frames stay where they are and are named by offset.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import BinaryIO

from packager import codecs
from packager.boxes.base import Container, parse
from packager.boxes.entries import AudioSampleEntry, SampleDescriptionBox
from packager.boxes.movie import EditListBox, HandlerBox, MediaHeaderBox
from packager.boxes.table import (
    ChunkOffsetBox,
    SampleSizeBox,
    SampleToChunkBox,
    TimeToSampleBox,
)
from packager.codecs import opus
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec, CodecConfig, EncodedTrack, SampleTable, Trim

MAX_MOVIE_BYTES = 64 << 20  # a movie box of 8 hours of AAC is 5 MiB
MAX_FRAMES = 1 << 24  # 4 days of AAC: a table that claims more is lying


def demux(source: BinaryIO) -> EncodedTrack:
    """Read the one audio track of a progressive MP4 file.

    Raises MalformedMedia for a broken file and UnsupportedMedia for one that holds video,
    several tracks, movie fragments or an unknown coding.
    """
    size = source.seek(0, 2)
    movie = _read_movie(source, size)
    if any(child.code == b"mvex" for child in movie.children):
        raise UnsupportedMedia("a fragmented MP4 file")
    tracks = movie.all(b"trak")
    if len(tracks) != 1:
        raise UnsupportedMedia(f"{len(tracks)} tracks; one audio track is wanted")
    track = tracks[0]
    handler = track.inside(b"mdia").get(HandlerBox).handler_type
    if handler != b"soun":
        raise UnsupportedMedia(f"a track of type {handler.decode('latin-1')!r}, not audio")
    table = _sample_table(track.inside(b"mdia", b"minf", b"stbl"), size)
    config = _config(track, source, table)
    return EncodedTrack(config, table, _trim(track, config, table))


def _read_movie(source: BinaryIO, size: int) -> Container:
    offset = 0
    while offset + 8 <= size:
        source.seek(offset)
        header = source.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - offset
        if length < 8 or offset + length > size:
            name = header[4:8].decode("latin-1")
            raise MalformedMedia("reaches beyond the end of the file", path=name, offset=offset)
        if header[4:8] == b"moov":
            if length > MAX_MOVIE_BYTES:
                raise MalformedMedia(f"is {length} bytes long", path="moov", offset=offset)
            source.seek(offset)
            box = parse(source.read(length))[0]
            if isinstance(box, Container):
                return box
        offset += length
    raise MalformedMedia("there is no moov box: not a finished MP4 file")


def _config(track: Container, source: BinaryIO, table: SampleTable) -> CodecConfig:
    description = track.inside(b"mdia", b"minf", b"stbl").get(SampleDescriptionBox)
    if len(description.entries) != 1:
        raise UnsupportedMedia("several sample descriptions in one track")
    entry = description.entries[0]
    if not isinstance(entry, AudioSampleEntry):
        name = entry.code.decode("latin-1")
        raise UnsupportedMedia(f"samples coded as {name!r} cannot be packaged")
    if entry.kind == b"enca":
        raise UnsupportedMedia("the track is already encrypted")
    config = codecs.read_config(entry)
    if config.codec is Codec.OPUS:
        source.seek(table.offsets[0])
        config = opus.with_packet(config, source.read(2))
    timescale = track.inside(b"mdia").get(MediaHeaderBox).timescale
    if timescale != config.timescale:
        raise UnsupportedMedia(
            f"a timescale of {timescale} for audio at {config.timescale} Hz: times are not exact"
        )
    return config


def _sample_table(tables: Container, file_size: int) -> SampleTable:
    sizes = _sizes(tables.get(SampleSizeBox))
    durations = _durations(tables.get(TimeToSampleBox), len(sizes))
    offsets = _offsets(tables, sizes)
    if any(start + length > file_size for start, length in zip(offsets, sizes, strict=True)):
        raise MalformedMedia("a sample reaches beyond the end of the file", path="stbl")
    return SampleTable(sizes, durations, offsets)


def _sizes(box: SampleSizeBox) -> array[int]:
    count = box.common_count if box.common_size else len(box.sizes)
    if not 0 < count <= MAX_FRAMES:
        raise MalformedMedia(f"{count} samples", path="stbl/stsz")
    return array("I", [box.common_size]) * count if box.common_size else box.sizes


def _durations(box: TimeToSampleBox, count: int) -> array[int]:
    durations = array("I")
    for run, delta in zip(box.entries[::2], box.entries[1::2], strict=True):
        if run > count - len(durations):
            raise MalformedMedia(f"durations for more than {count} samples", path="stbl/stts")
        durations.extend(array("I", [delta]) * run)
    if len(durations) != count:
        raise MalformedMedia(f"{len(durations)} durations for {count} samples", path="stbl/stts")
    return durations


def _offsets(tables: Container, sizes: array[int]) -> array[int]:
    chunks = tables.get(ChunkOffsetBox).offsets
    entries = tables.get(SampleToChunkBox).entries
    firsts = [*entries[::3], len(chunks) + 1]
    if firsts[0] != 1 or any(after <= before for before, after in pairwise(firsts)):
        raise MalformedMedia("chunk numbers are out of order", path="stbl/stsc")
    offsets = array("Q")
    at = 0
    for (first, following), per_chunk in zip(pairwise(firsts), entries[1::3], strict=True):
        for chunk in chunks[first - 1 : following - 1]:
            inside = sizes[at : at + per_chunk]
            if len(inside) != per_chunk:
                raise MalformedMedia("chunks hold more samples than there are", path="stbl/stsc")
            if per_chunk:
                offsets.extend(accumulate(inside[:-1], initial=chunk))
            at += per_chunk
    if at != len(sizes):
        raise MalformedMedia(f"chunks hold {at} of {len(sizes)} samples", path="stbl/stsc")
    return offsets


def _trim(track: Container, config: CodecConfig, table: SampleTable) -> Trim:
    """Priming from the edit list; the end from the sample durations, the last one cut short."""
    delay = _delay(track)
    frame = config.frame_ticks
    if config.bit_depth is None and any(duration != frame for duration in table.durations[:-1]):
        raise UnsupportedMedia(f"frames of other lengths than {frame} ticks inside the track")
    total = sum(table.durations)
    decoded = (
        len(table) * frame if config.bit_depth is None else total
    )  # lossless codings have a short last frame, the others always decode whole ones
    if not 0 <= delay < total <= decoded:
        raise MalformedMedia(f"priming of {delay} in {total} ticks", path="edts/elst")
    return Trim(delay, total - delay, decoded - total)


def _delay(track: Container) -> int:
    if not track.all(b"edts"):
        return 0
    edits = track.inside(b"edts").get(EditListBox).edits
    if len(edits) != 1 or edits[0].media_time < 0:
        raise UnsupportedMedia("an edit list that does more than skip the priming")
    return edits[0].media_time


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

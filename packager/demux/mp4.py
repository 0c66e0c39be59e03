"""MP4 and M4A files, progressive and fragmented. ISO/IEC 14496-12:2022, clause 8.

Only the movie box (and, one at a time, movie fragment boxes) is read into memory.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import BinaryIO

from packager import codecs
from packager.boxes.base import Container
from packager.boxes.entries import AudioSampleEntry, ElementaryStreamBox, SampleDescriptionBox
from packager.boxes.movie import (
    Edit,
    EditListBox,
    HandlerBox,
    MediaHeaderBox,
    MovieHeaderBox,
    TrackHeaderBox,
)
from packager.boxes.table import (
    ChunkOffsetBox,
    SampleSizeBox,
    SampleToChunkBox,
    TimeToSampleBox,
)
from packager.codecs import aac, opus
from packager.codecs.entry import config_box
from packager.demux import fragments, sbr
from packager.demux.itunes import find_smpb
from packager.demux.stream import MAX_FRAMES, ByteStream
from packager.demux.top import containers
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import Codec, CodecConfig, EncodedTrack, SampleTable, Trim

MAX_MOVIE_BYTES = 64 << 20  # a movie box of 8 hours of AAC is 5 MiB
_PICTURES = frozenset((b"jpeg", b"png "))  # chapter images and covers: no film


def read(source: BinaryIO) -> EncodedTrack:
    """Read the one audio track of an MP4 file; chapters, their pictures and text are left behind.

    Raises MalformedMedia for a broken file and UnsupportedMedia for one that holds video,
    several audio tracks, encrypted samples or an unknown coding.
    """
    size = source.seek(0, 2)
    movie = _read_movie(source, size)
    track = _audio_track(movie)
    tables = track.inside(b"mdia", b"minf", b"stbl")
    entry = _entry(tables)
    config = codecs.read_config(entry)
    fragmented = any(child.code == b"mvex" for child in movie.children)
    if fragmented:
        track_id = track.get(TrackHeaderBox).track_id
        table = fragments.sample_table(source, size, movie, track_id)
    else:
        table = _sample_table(tables, size)
    if config.codec is Codec.OPUS:
        source.seek(table.offsets[0])
        config = opus.with_packet(config, source.read(2))
    elif config.codec is Codec.AAC:
        config = _with_replication(source, entry, table)
    scale = _scale(track, config)
    table = _scaled(table, scale)
    total = sum(table.durations)
    table = _decoded(source, config, table)
    trim = _trim(movie, track, total, sum(table.durations), scale, fragmented=fragmented)
    return EncodedTrack(config, table, trim)


def _audio_track(movie: Container) -> Container:
    """The one track of type `soun`; a film is refused, it is not what was meant."""
    found = []
    for track in movie.all(b"trak"):
        handler = track.inside(b"mdia").get(HandlerBox).handler_type
        if handler == b"soun":
            found.append(track)
        elif handler == b"vide" and not _is_pictures(track):
            raise UnsupportedMedia("a track of type 'vide', not audio")
    if len(found) != 1:
        raise UnsupportedMedia(f"{len(found)} audio tracks; one is wanted")
    return found[0]


def _is_pictures(track: Container) -> bool:
    description = track.inside(b"mdia", b"minf", b"stbl").get(SampleDescriptionBox)
    return all(entry.code in _PICTURES for entry in description.entries)


def _entry(tables: Container) -> AudioSampleEntry:
    description = tables.get(SampleDescriptionBox)
    if len(description.entries) != 1:
        raise UnsupportedMedia("several sample descriptions in one track")
    entry = description.entries[0]
    if not isinstance(entry, AudioSampleEntry):
        name = entry.code.decode("latin-1")
        raise UnsupportedMedia(f"samples coded as {name!r} cannot be packaged")
    if entry.kind == b"enca":
        raise UnsupportedMedia("the track is already encrypted")
    return entry


def _read_movie(source: BinaryIO, size: int) -> Container:
    for _, movie in containers(source, size, b"moov", MAX_MOVIE_BYTES):
        return movie
    raise MalformedMedia("there is no moov box: not a finished MP4 file")


def _sample_table(tables: Container, file_size: int) -> SampleTable:
    sizes = _sizes(tables.get(SampleSizeBox), file_size)
    durations = _durations(tables.get(TimeToSampleBox), len(sizes))
    offsets = _offsets(tables, sizes, file_size)
    if any(start + length > file_size for start, length in zip(offsets, sizes, strict=True)):
        raise MalformedMedia("a sample reaches beyond the end of the file", path="stbl")
    return SampleTable(sizes, durations, offsets)


def _sizes(box: SampleSizeBox, file_size: int) -> array[int]:
    count = box.common_count if box.common_size else len(box.sizes)
    if not 0 < count <= MAX_FRAMES or count * box.common_size > file_size:
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


def _offsets(tables: Container, sizes: array[int], file_size: int) -> array[int]:
    chunks = tables.get(ChunkOffsetBox).offsets
    if chunks and max(chunks) > file_size:
        raise MalformedMedia("a sample reaches beyond the end of the file", path="stbl/stco")
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


def _with_replication(source: BinaryIO, entry: AudioSampleEntry, table: SampleTable) -> CodecConfig:
    """The configuration of AAC with the SBR that the frames may have without a word in the file."""
    esds = config_box(entry, ElementaryStreamBox)
    specific = sbr.made_explicit(ByteStream(source), table, esds.decoder_specific)
    return aac.from_esds(replace(esds, decoder_specific=specific))


def _scale(track: Container, config: CodecConfig) -> int:
    """Ticks of ours in a tick of the file's: HE-AAC is often timed at the rate of its core."""
    timescale = track.inside(b"mdia").get(MediaHeaderBox).timescale
    if not timescale or config.timescale % timescale or config.timescale > 2 * timescale:
        raise UnsupportedMedia(
            f"a timescale of {timescale} for audio at {config.timescale} Hz: times are not exact"
        )
    return config.timescale // timescale


def _scaled(table: SampleTable, scale: int) -> SampleTable:
    if scale == 1:
        return table
    if max(table.durations) >= 1 << 31:
        raise MalformedMedia("a sample lasts for hours", path="stbl/stts")
    return replace(table, durations=array("I", [scale * ticks for ticks in table.durations]))


def _decoded(source: BinaryIO, config: CodecConfig, table: SampleTable) -> SampleTable:
    """The table with what each frame decodes to.

    A file tells the end of the music by a last frame that is short. A lossless coding does have
    a short frame there; the others always decode a whole one.
    """
    if config.bit_depth is not None:
        return table
    last = config.frame_ticks
    if config.codec is Codec.OPUS:
        source.seek(table.offsets[-1])
        last = opus.packet_samples(source.read(min(2, table.sizes[-1])))
    elif any(duration != last for duration in table.durations[:-1]):
        raise UnsupportedMedia(f"frames of other lengths than {last} ticks inside the track")
    if table.durations[-1] > last:
        raise MalformedMedia(f"a last frame of {table.durations[-1]} ticks", path="stbl/stts")
    return replace(table, durations=table.durations[:-1] + array("I", [last]))


def _trim(
    movie: Container, track: Container, total: int, decoded: int, scale: int, *, fragmented: bool
) -> Trim:
    """What is presented: by iTunes' comment, else by edit list and durations.

    An edit ends in the movie's ticks, which may be coarse: where it agrees with the durations to
    within one of them, those are exact. In a fragmented file it cannot know the end.
    """
    smpb = find_smpb(movie)
    if smpb and (found := smpb.trim(decoded) or smpb.trim(decoded, scale)):
        return found
    edit = _edit(track)
    delay = edit.media_time * scale
    if not 0 <= delay < total <= decoded:
        raise MalformedMedia(f"priming of {delay} in {total} ticks", path="edts/elst")
    samples = total - delay
    if edit.duration and not fragmented:
        rate = track.inside(b"mdia").get(MediaHeaderBox).timescale * scale
        coarse = movie.get(MovieHeaderBox).timescale
        if not coarse:
            raise MalformedMedia("the timescale is 0", path="moov/mvhd")
        shown = edit.duration * rate // coarse
        if 0 < shown < samples - rate // coarse - 1:
            samples = shown
    return Trim(delay, samples, decoded - delay - samples)


def _edit(track: Container) -> Edit:
    if not track.all(b"edts"):
        return Edit(0, 0)
    edits = track.inside(b"edts").get(EditListBox).edits
    if len(edits) != 1 or edits[0].media_time < 0:
        raise UnsupportedMedia("an edit list that does more than skip the priming")
    return edits[0]

"""The samples of a fragmented MP4 file. ISO/IEC 14496-12:2022, 8.8."""

from __future__ import annotations

from array import array
from itertools import accumulate
from typing import BinaryIO

from packager.boxes.base import Container
from packager.boxes.fragment import (
    TrackFragmentDecodeTimeBox,
    TrackFragmentHeaderBox,
    TrackRunBox,
)
from packager.boxes.movie import TrackExtendsBox
from packager.demux.stream import MAX_FRAMES
from packager.demux.top import containers
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import SampleTable

MAX_FRAGMENT_BYTES = 16 << 20  # a movie fragment box of a million samples


def sample_table(source: BinaryIO, size: int, movie: Container, track_id: int) -> SampleTable:
    """The samples of a track in all fragments, which must follow each other in time.

    A track that begins late (a recording of a live stream) is taken to begin at 0.
    """
    defaults = _defaults(movie, track_id)
    table = SampleTable(array("I"), array("I"), array("Q"))
    time: int | None = None
    for offset, moof in containers(source, size, b"moof", MAX_FRAGMENT_BYTES):
        for traf in moof.all(b"traf"):
            header = traf.get(TrackFragmentHeaderBox)
            if header.track_id != track_id:
                continue
            start = traf.find(TrackFragmentDecodeTimeBox)
            if start is not None:
                if time is not None and start.base_media_decode_time != time:
                    raise UnsupportedMedia(
                        f"fragments that are not joined: one ends at {time}, the next begins "
                        f"at {start.base_media_decode_time}"
                    )
                time = start.base_media_decode_time
            base = offset if header.base_data_offset is None else header.base_data_offset
            time = (time or 0) + _add_runs(table, traf, _settled(header, defaults), base, size)
    if not table.sizes:
        raise MalformedMedia("holds no samples", path="moof")
    return table


def _defaults(movie: Container, track_id: int) -> TrackExtendsBox:
    for child in movie.inside(b"mvex").children:
        if isinstance(child, TrackExtendsBox) and child.track_id == track_id:
            return child
    raise MalformedMedia(f"has no trex for track {track_id}", path="moov/mvex")


def _settled(header: TrackFragmentHeaderBox, defaults: TrackExtendsBox) -> tuple[int, int]:
    """Size and duration of a sample that its run says nothing of. 8.8.3, 8.8.7."""
    size, duration = header.default_sample_size, header.default_sample_duration
    return (
        defaults.default_sample_size if size is None else size,
        defaults.default_sample_duration if duration is None else duration,
    )


def _add_runs(
    table: SampleTable, traf: Container, default: tuple[int, int], base: int, file_size: int
) -> int:
    """Append the samples of a track fragment; how many ticks they last.

    The first one in a moof counts from that box, said (default-base-is-moof) or not. 8.8.7.1.
    """
    at = base
    ticks = 0
    size, duration = default
    for run in traf.children:
        if not isinstance(run, TrackRunBox):
            continue
        count = run.sample_count
        claimed = count * max(size, 1) if run.sizes is None else 0
        if claimed > file_size or len(table) + count > MAX_FRAMES:
            raise _beyond()
        sizes = array("I", [size]) * count if run.sizes is None else run.sizes
        durations = array("I", [duration]) * count if run.durations is None else run.durations
        if run.data_offset is not None:
            at = base + run.data_offset
        if at < 0 or at + sum(sizes) > file_size:
            raise _beyond()
        table.offsets.extend(accumulate(sizes[:-1], initial=at) if sizes else ())
        at += sum(sizes)
        table.sizes.extend(sizes)
        table.durations.extend(durations)
        ticks += sum(durations)
    return ticks


def _beyond() -> MalformedMedia:
    return MalformedMedia("samples that are not in the file", path="moof/traf/trun")

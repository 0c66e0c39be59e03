"""A track as an inspector sees it: what the boxes of a CMAF track say, joined and still placed.

Nothing is refused here. What is missing is `None` or empty; the rules say what that means.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from packager import codecs
from packager.boxes.base import Box, Container
from packager.boxes.entries import AudioSampleEntry, OpusSpecificBox, SampleDescriptionBox
from packager.boxes.file import FileTypeBox, SegmentIndexBox
from packager.boxes.fragment import (
    TrackFragmentDecodeTimeBox,
    TrackFragmentHeaderBox,
    TrackRunBox,
)
from packager.boxes.movie import EditListBox, HandlerBox, MediaHeaderBox, TrackExtendsBox
from packager.boxes.protection import OriginalFormatBox, SchemeTypeBox, TrackEncryptionBox
from packager.check.tree import Node
from packager.codecs import opus
from packager.errors import PackagerError
from packager.model import ByteSpan, Codec, CodecConfig

_STBL = (b"mdia", b"minf", b"stbl")
_MAX_EMPTY = 1 << 16  # samples of a run that has not a single byte for any of them


@dataclass(frozen=True, slots=True)
class Fragment:
    """A movie fragment: the part of it that is this track's."""

    moof: Node
    traf: Node
    mdat: Node | None  # the media data box that follows
    header: TrackFragmentHeaderBox
    runs: tuple[TrackRunBox, ...]
    decode_time: int | None  # ticks, from tfdt
    durations: array[int]  # ticks
    sizes: array[int]  # bytes
    offset: int  # of the first sample, bytes from the start of the file

    @property
    def ticks(self) -> int:
        """How long it lasts."""
        return sum(self.durations)

    def samples(self) -> Iterator[ByteSpan]:
        """Where each sample lies, if its run lies in one piece."""
        for start, end in pairwise(accumulate(self.sizes, initial=self.offset)):
            yield ByteSpan(start, end)


@dataclass(frozen=True, slots=True)
class Track:
    """One audio track: its movie box, its fragments, its indexes."""

    nodes: tuple[Node, ...]  # top-level boxes of the header and of the media, in order
    moov: Node
    trak: Node
    entry: AudioSampleEntry | None
    config: CodecConfig | None
    config_fault: str  # why there is no configuration
    fragments: tuple[Fragment, ...]

    @property
    def file_type(self) -> FileTypeBox | None:
        """The ftyp at the start."""
        return next((one.box for one in self.nodes if isinstance(one.box, FileTypeBox)), None)

    @property
    def indexes(self) -> tuple[Node, ...]:
        """The sidx boxes that could be read."""
        return tuple(one for one in self.nodes if isinstance(one.box, SegmentIndexBox))

    @property
    def timescale(self) -> int:
        """Ticks per second; 1 where nothing says it, so that dividing stays possible."""
        header = self.trak.get(MediaHeaderBox, b"mdia", b"mdhd")
        return header.timescale or 1 if header else 1

    @property
    def tables(self) -> Node | None:
        """The stbl."""
        return self.trak.find(*_STBL)

    @property
    def entry_node(self) -> Node:
        """The sample entry, or the nearest box around the place where it should be."""
        description = self.trak.find(*_STBL, b"stsd")
        if description is None:
            return self.trak
        return next(iter(description.children), description)

    @property
    def delay(self) -> int:
        """Ticks that the edit list cuts from the start."""
        edits = self.trak.get(EditListBox, b"edts", b"elst")
        return max(edits.edits[0].media_time, 0) if edits and edits.edits else 0

    @property
    def encryption(self) -> TrackEncryptionBox | None:
        """The tenc."""
        return self.entry_node.get(TrackEncryptionBox, b"sinf", b"schi", b"tenc")

    @property
    def scheme(self) -> bytes | None:
        """Four-character code of the protection scheme; None: clear."""
        scheme = self.entry_node.get(SchemeTypeBox, b"sinf", b"schm")
        return scheme.scheme_type if scheme else None

    @property
    def ticks(self) -> int:
        """Duration of all fragments, priming included."""
        return sum(one.ticks for one in self.fragments)

    @property
    def presented(self) -> int:
        """Duration of what is heard."""
        return max(0, self.ticks - self.delay)

    def place_of(self, *path: bytes) -> Node:
        """A box below trak, or the trak where there is none."""
        return self.trak.find(*path) or self.trak


def read_track(header: Iterable[Node], media: Iterable[Node]) -> Track | None:
    """The first audio track in these top-level boxes; None where there is none."""
    nodes = (*header, *media)
    moov = next((one for one in nodes if one.code == b"moov"), None)
    if moov is None:
        return None
    for trak in moov.all(b"trak"):
        handler = trak.get(HandlerBox, b"mdia", b"hdlr")
        if handler and handler.handler_type == b"soun":
            break
    else:
        return None
    entry = _entry(trak)
    config, fault = _config(entry)
    fragments = tuple(_fragments(nodes, moov, trak))
    return Track(nodes, moov, trak, entry, config, fault, fragments)


def _entry(trak: Node) -> AudioSampleEntry | None:
    description = trak.get(SampleDescriptionBox, *_STBL, b"stsd")
    if description and description.entries:
        first = description.entries[0]
        return first if isinstance(first, AudioSampleEntry) else None
    return None


def clear_entry(entry: AudioSampleEntry) -> AudioSampleEntry:
    """The entry as it is without protection: `enca` becomes what its frma says."""
    original = next((box for box in entry.children if _is_sinf(box)), None)
    if not isinstance(original, Container):
        return entry
    form = original.find(OriginalFormatBox)
    return AudioSampleEntry(
        form.data_format if form else entry.kind,
        entry.channel_count,
        entry.sample_size,
        entry.sample_rate,
        tuple(box for box in entry.children if not _is_sinf(box)),
    )


def _is_sinf(box: Box) -> bool:
    return isinstance(box, Container) and box.kind == b"sinf"


def _config(entry: AudioSampleEntry | None) -> tuple[CodecConfig | None, str]:
    if entry is None:
        return None, "there is no audio sample entry that can be read"
    try:
        return codecs.read_config(clear_entry(entry)), ""
    except PackagerError as exc:
        return None, str(exc)


def _fragments(nodes: tuple[Node, ...], moov: Node, trak: Node) -> Iterator[Fragment]:
    track_id = _track_id(trak)
    defaults = TrackExtendsBox(track_id, 0)
    extends = moov.find(b"mvex")
    for node in extends.all(b"trex") if extends else ():
        if isinstance(node.box, TrackExtendsBox) and node.box.track_id == track_id:
            defaults = node.box
    for number, moof in enumerate(nodes):
        if moof.code != b"moof":
            continue
        mdat = nodes[number + 1] if number + 1 < len(nodes) else None
        if mdat is not None and mdat.code != b"mdat":
            mdat = None
        for traf in moof.all(b"traf"):
            header = traf.get(TrackFragmentHeaderBox, b"tfhd")
            if header and header.track_id == track_id:
                yield _fragment(moof, traf, mdat, header, defaults)


def _track_id(trak: Node) -> int:
    header = trak.find(b"tkhd")
    return getattr(header.box, "track_id", 0) if header else 0


def _fragment(
    moof: Node,
    traf: Node,
    mdat: Node | None,
    header: TrackFragmentHeaderBox,
    defaults: TrackExtendsBox,
) -> Fragment:
    runs = tuple(node.box for node in traf.all(b"trun") if isinstance(node.box, TrackRunBox))
    size, duration = header.default_sample_size, header.default_sample_duration
    size = defaults.default_sample_size if size is None else size
    duration = defaults.default_sample_duration if duration is None else duration
    durations, sizes = array("I"), array("I")
    most = (mdat.size if mdat else 0) // size if size else _MAX_EMPTY
    for run in runs:
        count = run.sample_count
        if run.sizes is None and run.durations is None:
            count = min(count, most)  # nothing in the run itself backs the number
        sizes += array("I", [size]) * count if run.sizes is None else run.sizes
        durations += array("I", [duration]) * count if run.durations is None else run.durations
    start = header.base_data_offset if header.base_data_offset is not None else moof.start
    offset = start + (runs[0].data_offset or 0) if runs else start
    time = traf.get(TrackFragmentDecodeTimeBox, b"tfdt")
    decode_time = time.base_media_decode_time if time else None
    return Fragment(moof, traf, mdat, header, runs, decode_time, durations, sizes, offset)


def pre_skip(track: Track) -> int | None:
    """What an Opus decoder is told to drop, samples at 48 kHz; None for other codings."""
    if track.config is None or track.config.codec is not Codec.OPUS or track.entry is None:
        return None
    boxes = clear_entry(track.entry).children
    return next((box.pre_skip for box in boxes if isinstance(box, OpusSpecificBox)), None)


def frame_ticks(track: Track) -> int | None:
    """Ticks of a whole frame in the track's own timescale; None where frames may differ."""
    config = track.config
    if config is None or config.codec in {Codec.OPUS, Codec.FLAC}:
        return None
    scaled = config.frame_ticks * track.timescale
    return None if scaled % config.timescale else scaled // config.timescale


def roll_wanted(track: Track) -> int | None:
    """The roll distance that the coding asks for, in samples of this track; None: none."""
    if track.config is None or track.config.codec is not Codec.OPUS or not track.fragments:
        return None
    longest = max(track.fragments[0].durations, default=0)
    return -(opus.SEEK_PREROLL // longest) if longest else None

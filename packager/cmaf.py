"""The CMAF track writer: coded frames in, one addressable track file out. ISO/IEC 23000-19.

Everything but the frames is computed before the first byte is written, so the file is written
once, front to back, one segment in memory at a time.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import BinaryIO

from packager import crypto
from packager.boxes.base import Box, Container, UnknownBox
from packager.boxes.entries import AudioSampleEntry, SampleDescriptionBox
from packager.boxes.file import FileTypeBox, Reference, SegmentIndexBox
from packager.boxes.fragment import (
    SYNC_SAMPLE,
    MovieFragmentHeaderBox,
    TrackFragmentDecodeTimeBox,
    TrackFragmentHeaderBox,
    TrackRunBox,
)
from packager.boxes.movie import (
    DataReferenceBox,
    Edit,
    EditListBox,
    HandlerBox,
    MediaHeaderBox,
    MovieHeaderBox,
    SoundHeaderBox,
    TrackExtendsBox,
    TrackHeaderBox,
)
from packager.boxes.protection import (
    AuxiliaryOffsetsBox,
    AuxiliarySizesBox,
    ProtectionSystemBox,
    SampleEncryptionBox,
)
from packager.boxes.table import (
    ChunkOffsetBox,
    SampleGroupDescriptionBox,
    SampleSizeBox,
    SampleToChunkBox,
    SampleToGroupBox,
    TimeToSampleBox,
)
from packager.digests import digest
from packager.errors import MalformedMedia, UnsupportedMedia
from packager.model import (
    ByteSpan,
    CodecConfig,
    EncodedTrack,
    Rendition,
    Scheme,
    Segment,
    TrackProtection,
    Trim,
)
from packager.protection import check, encrypted_entry
from packager.pssh import common
from packager.segmenter import Cut, cut, frame_durations

_TRACK_ID = 1
# cmfc: CMAF track (23000-19, 7.2); iso6: tfdt and default-base-is-moof; dash: sidx-indexed file.
_FILE_TYPE = FileTypeBox(b"cmfc", 0, (b"iso6", b"cmfc", b"dash"))


def write_track(
    source: BinaryIO,
    track: EncodedTrack,
    out: BinaryIO,
    *,
    name: str,
    tier: str,
    segment_s: Fraction,
    protection: TrackProtection | None = None,
    pssh: Sequence[ProtectionSystemBox] = (),
    loudness: Container | None = None,
) -> Rendition:
    """Write `ftyp moov sidx (moof mdat)*` and return what a manifest needs to know of it.

    Under `AES_128` the boxes are those of a clear track, each `(moof mdat)` is encrypted as one
    piece, and there is no `sidx`: nothing but an HLS playlist can address such a file.
    Segments are about `segment_s` seconds long and begin on frame boundaries. Raises
    MalformedMedia or UnsupportedMedia; ValueError for a key or IV of the wrong length.
    `pssh`: boxes of key systems for the movie box, beside the Common one that every protected
    track has. `loudness`: the `ludt` box that `packager.loudness` makes.
    """
    layout = _lay_out(track, segment_s, protection, pssh, loudness)
    whole = hashlib.sha256()
    parts = []
    for piece in _pieces(source, layout):
        whole.update(piece)
        parts.append(digest(piece))
        out.write(piece)
    config = track.config
    return Rendition(
        name=name,
        tier=tier,
        codec=config.codec,
        codecs=config.codecs,
        timescale=config.timescale,
        sample_rate_hz=config.sample_rate_hz,
        channels=config.channels,
        bit_depth=config.bit_depth,
        trim=layout.trim,
        init=ByteSpan(0, len(layout.header)),
        sidx=ByteSpan(len(layout.header), len(layout.header) + len(layout.index)),
        segments=layout.segments,
        size=layout.segments[-1].span.end,
        sha256=whole.hexdigest(),
        scheme=protection.scheme if protection else Scheme.CLEAR,
        kid=protection.kid if protection else None,
        iv=protection.iv if protection and protection.scheme is not Scheme.CENC else None,
        channel_configuration=config.channel_configuration,
        joc_complexity=config.joc_complexity,
        digests=b"".join(parts),
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    """A track file before its frames are read: every size and offset is settled."""

    track: EncodedTrack
    samples: TrackProtection | None  # encrypted one by one
    whole: TrackProtection | None  # segments encrypted as one piece
    durations: array[int]
    cuts: tuple[Cut, ...]
    moof_sizes: tuple[int, ...]  # bytes, by segment
    trim: Trim
    header: bytes  # ftyp and moov
    index: bytes  # sidx
    segments: tuple[Segment, ...]


def _lay_out(
    track: EncodedTrack,
    segment_s: Fraction,
    protected: TrackProtection | None,
    systems: Sequence[ProtectionSystemBox],
    loudness: Container | None,
) -> _Layout:
    samples = whole = None
    if protected:
        check(protected)
        if protected.scheme is Scheme.AES_128:
            whole = protected
        else:
            samples = protected
    durations = frame_durations(track)
    cuts = cut(track, durations, segment_s)
    trim = track.trim
    if track.config.bit_depth is None:
        decoded = sum(track.table.durations[: len(durations)])
        trim = Trim(trim.delay, trim.samples, decoded - trim.delay - trim.samples)
    moof_sizes = tuple(_moof_sizes(track, durations, cuts, samples))
    sizes = [
        moof_size + 8 + sum(track.table.sizes[one.first : one.end])  # 8: header of the mdat
        for moof_size, one in zip(moof_sizes, cuts, strict=True)
    ]
    if whole:
        sizes = [crypto.encrypted_size(size) for size in sizes]
    movie = _moov(track.config, trim, samples, systems, loudness)
    header = _FILE_TYPE.encode() + movie.encode()
    index = b"" if whole else _sidx(track.config, cuts, sizes).encode()
    at = len(header) + len(index)
    segments = []
    for one, size in zip(cuts, sizes, strict=True):
        segments.append(Segment(ByteSpan(at, at + size), one.start, one.presented))
        at += size
    return _Layout(
        *(track, samples, whole, durations, cuts, moof_sizes),
        *(trim, header, index, tuple(segments)),
    )


def _pieces(source: BinaryIO, layout: _Layout) -> Iterator[bytes]:
    yield layout.header
    if layout.index:
        yield layout.index
    for number, (one, size) in enumerate(zip(layout.cuts, layout.moof_sizes, strict=True), 1):
        moof = _moof(layout.track, layout.durations, one, number, layout.samples, size)
        payload = _payload(source, layout.track, one)
        if layout.samples:
            sizes = layout.track.table.sizes[one.first : one.end]
            payload = _encrypt(payload, sizes, one, layout.samples)
        segment = b"".join((moof, (len(payload) + 8).to_bytes(4, "big"), b"mdat", payload))
        if layout.whole:
            segment = crypto.encrypt_segment(segment, layout.whole.key, layout.whole.iv)
        yield segment


def _payload(source: BinaryIO, track: EncodedTrack, one: Cut) -> bytes:
    """The frames of a segment; frames that lie together in the source are read together."""
    table = track.table
    offsets, sizes = table.offsets[one.first : one.end], table.sizes[one.first : one.end]
    if not table.pieces and offsets == array("Q", accumulate(sizes[:-1], initial=offsets[0])):
        return _read(source, offsets[0], offsets[-1] + sizes[-1])
    parts = []
    start = end = offsets[0]
    for span in _spans(track, one):
        if span.start != end:
            parts.append(_read(source, start, end))
            start = span.start
        end = span.end
    parts.append(_read(source, start, end))
    return b"".join(parts)


def _spans(track: EncodedTrack, one: Cut) -> Iterator[ByteSpan]:
    table = track.table
    for number in range(one.first, one.end):
        start = table.offsets[number]
        yield from table.pieces.get(number) or (ByteSpan(start, start + table.sizes[number]),)


def _read(source: BinaryIO, start: int, end: int) -> bytes:
    source.seek(start)
    data = source.read(end - start)
    if len(data) != end - start:
        raise MalformedMedia("the file ends inside a sample", offset=start)
    return data


def _first_iv(protected: TrackProtection, one: Cut) -> int:
    """The IV of a segment's first frame: counted on from the track's first, never reused."""
    return int.from_bytes(protected.iv, "big") + one.first


def _encrypt(payload: bytes, sizes: array[int], one: Cut, protected: TrackProtection) -> bytes:
    if protected.scheme is Scheme.CBCS:
        return crypto.encrypt_cbcs(payload, sizes, protected.key, protected.iv)
    return crypto.encrypt_cenc(payload, sizes, protected.key, _first_iv(protected, one))


def _moov(
    config: CodecConfig,
    trim: Trim,
    protected: TrackProtection | None,
    systems: Sequence[ProtectionSystemBox],
    loudness: Container | None,
) -> Container:
    """The CMAF header. ISO/IEC 23000-19, 7.3.2.

    |moov|
    |    |mvhd|
    |    |trak|
    |    |    |tkhd|
    |    |    |edts|
    |    |    |    |elst|            where there is priming
    |    |    |mdia|
    |    |    |    |mdhd| |hdlr|
    |    |    |    |minf|
    |    |    |    |    |smhd|
    |    |    |    |    |dinf|
    |    |    |    |    |    |dref|
    |    |    |    |    |stbl|
    |    |    |    |    |    |stsd| |stts| |stsc| |stsz| |stco| |sgpd|
    |    |    |udta|
    |    |    |    |ludt|            where its loudness is known
    |    |mvex|
    |    |    |trex|
    |    |pssh|                      where it is protected
    """
    entry = _sample_entry(config)
    if protected:
        entry = encrypted_entry(entry, protected)
    tables: list[Box] = [
        SampleDescriptionBox((entry,)),
        TimeToSampleBox(),
        SampleToChunkBox(),
        SampleSizeBox(),
        ChunkOffsetBox(),
    ]
    if config.roll_distance is not None:
        tables.append(SampleGroupDescriptionBox.roll(config.roll_distance))
    information = Container(
        b"minf",
        (
            SoundHeaderBox(),
            Container(b"dinf", (DataReferenceBox(),)),
            Container(b"stbl", tuple(tables)),
        ),
    )
    media = Container(
        b"mdia", (MediaHeaderBox(config.timescale, 0), HandlerBox(b"soun", b"\0"), information)
    )
    # Duration 0: to the end, which only the fragments know. 14496-12, 8.6.6.
    edits = Container(b"edts", (EditListBox((Edit(0, trim.delay),)),))
    parts: list[Box] = [TrackHeaderBox(_TRACK_ID, 0), media]
    if trim.delay:
        parts.insert(1, edits)
    if loudness:
        parts.append(Container(b"udta", (loudness,)))
    extends = TrackExtendsBox(_TRACK_ID, config.frame_ticks, default_sample_flags=SYNC_SAMPLE)
    movie: list[Box] = [
        MovieHeaderBox(config.timescale, 0, _TRACK_ID + 1),
        Container(b"trak", tuple(parts)),
        Container(b"mvex", (extends,)),
    ]
    if protected:
        movie += (common([protected.kid]), *systems)
    return Container(b"moov", tuple(movie))


def _sample_entry(config: CodecConfig) -> AudioSampleEntry:
    box = config.config_box
    rate = config.sample_rate_hz
    while rate > 0xFFFF:  # 16.16 holds no more: the largest half that fits, as FLAC's mapping asks
        rate //= 2
    return AudioSampleEntry(
        config.sample_entry.encode(),
        config.channels,
        config.bit_depth or 16,
        rate << 16,
        (UnknownBox(box[4:8], box[8:]),),
    )


def _sidx(config: CodecConfig, cuts: tuple[Cut, ...], sizes: list[int]) -> SegmentIndexBox:
    if max(one.presented for one in cuts) >> 32 or max(sizes) >> 31:  # 14496-12, 8.16.3.2
        raise UnsupportedMedia("a segment is longer than an index can say: make segments shorter")
    references = tuple(
        Reference(size, one.presented) for one, size in zip(cuts, sizes, strict=True)
    )
    return SegmentIndexBox(_TRACK_ID, config.timescale, 0, 0, references)


def _moof_sizes(
    track: EncodedTrack,
    durations: array[int],
    cuts: tuple[Cut, ...],
    protected: TrackProtection | None,
) -> Iterator[int]:
    """Bytes of each movie fragment box: equal for equal counts, whatever the numbers in it."""
    known: dict[tuple[int, bool], int] = {}
    for one in cuts:
        shape = one.end - one.first, _own_durations(track, durations, one) is None
        if shape not in known:
            known[shape] = len(_moof(track, durations, one, 1, protected, 0))
        yield known[shape]


def _own_durations(track: EncodedTrack, durations: array[int], one: Cut) -> array[int] | None:
    """Durations of a segment's frames; None where all have the default of the track."""
    own = durations[one.first : one.end]
    return None if own.count(track.config.frame_ticks) == len(own) else own


def _moof(
    track: EncodedTrack,
    durations: array[int],
    one: Cut,
    number: int,
    protected: TrackProtection | None,
    size: int,
) -> bytes:
    """The movie fragment box of one segment. ISO/IEC 23000-19, 7.3.3.

    |moof|
    |    |mfhd|
    |    |traf|
    |    |    |tfhd| |tfdt| |trun|
    |    |    |saiz| |saio| |senc|   cenc only: a constant IV needs none (23000-19, 8.2.2.1)
    |    |    |sbgp|                 where decoding has to start early

    `number` counts from 1. The offsets count from the start of this box, whose size is given;
    while that is still to be found out, any will do.
    """
    count = one.end - one.first
    run = TrackRunBox(
        count,
        data_offset=size + 8,
        durations=_own_durations(track, durations, one),
        sizes=track.table.sizes[one.first : one.end],
    )
    fragment: list[Box] = [
        TrackFragmentHeaderBox(_TRACK_ID),
        TrackFragmentDecodeTimeBox(one.decode_time),
        run,
    ]
    if track.config.roll_distance is not None:
        fragment.append(SampleToGroupBox(b"roll", ((count, 1),)))
    if protected and protected.scheme is Scheme.CENC:
        ivs = crypto.cenc_ivs(_first_iv(protected, one), count)
        fragment += (
            AuxiliarySizesBox(crypto.CENC_IV_SIZE, count),
            AuxiliaryOffsetsBox((max(0, size - len(ivs)),)),
            SampleEncryptionBox(count, ivs),  # last: its IVs end the moof
        )
    traf = Container(b"traf", tuple(fragment))
    return Container(b"moof", (MovieFragmentHeaderBox(number), traf)).encode()

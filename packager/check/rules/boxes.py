"""Boxes against their clauses. ISO/IEC 14496-12, ISO/IEC 23000-19 (CMAF)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction

from packager.boxes.entries import FlacSpecificBox
from packager.boxes.file import SegmentIndexBox
from packager.boxes.fragment import DEFAULT_BASE_IS_MOOF
from packager.boxes.movie import MovieHeaderBox, TrackExtendsBox, TrackHeaderBox
from packager.boxes.table import ChunkOffsetBox, SampleSizeBox, TimeToSampleBox
from packager.check.findings import Place, Problem, Rules, Severity
from packager.check.track import Fragment, Track, clear_entry
from packager.check.tree import Node
from packager.model import Codec

FILE: Rules[tuple[Node, ...]] = Rules()
RULES: Rules[Track] = Rules()
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_NOT_SYNC = 0x00010000  # sample_is_non_sync_sample. ISO/IEC 14496-12, 8.8.3.1
_CMAF = frozenset((b"cmfc", b"cmf2"))
_RATE_LIMIT = 0xFFFF  # Hz that a 16.16 number holds
_ROUNDED_HZ = 1000  # durations may be rounded to a millisecond


@FILE.rule("B0.readable", ERROR, "ISO/IEC 14496-12:2022, 4.2")
def _readable(nodes: tuple[Node, ...]) -> Iterator[Problem]:
    """Every box can be read."""
    for top in nodes:
        for node in top.walk():
            if node.fault:
                place = Place(node.place.file, node.place.path, node.fault.offset or node.start)
                remedy = "write the box as the clause of its class says, or copy the file again"
                yield Problem(place, node.fault.problem, remedy)


@FILE.rule("B3.order", ERROR, "ISO/IEC 14496-12:2022, 6.3; 23000-19:2020, 7.3")
def _order(nodes: tuple[Node, ...]) -> Iterator[Problem]:
    """The ftyp comes first, the moov before the fragments, its boxes in order."""
    codes = [node.code for node in nodes]
    if b"moov" not in codes:
        return
    if codes[0] != b"ftyp":
        yield Problem(nodes[0].place, "the file does not begin with ftyp", "put ftyp first")
    moov = codes.index(b"moov")
    if b"moof" in codes[:moov]:
        yield Problem(nodes[moov].place, "fragments stand before the moov", "put the moov first")
    for earlier, later in ((b"mvhd", b"trak"), (b"trak", b"mvex")):
        inside = [node.code for node in nodes[moov].children]
        if earlier in inside and later in inside and inside.index(earlier) > inside.index(later):
            name = earlier.decode()
            text = f"{name} stands behind {later.decode()}"
            yield Problem(nodes[moov].place, text, f"put {name} first", WARNING)


@RULES.rule("B3.extends", ERROR, "ISO/IEC 14496-12:2022, 8.8.1, 8.8.3")
def _extends(track: Track) -> Iterator[Problem]:
    """A fragmented track has its trex."""
    if not track.fragments:
        return
    extends = track.moov.find(b"mvex")
    header = track.trak.get(TrackHeaderBox, b"tkhd")
    boxes = [node.box for node in extends.all(b"trex")] if extends else []
    ids = [box.track_id for box in boxes if isinstance(box, TrackExtendsBox)]
    if header and header.track_id not in ids:
        text = f"there are fragments, but no trex for track {header.track_id}"
        yield Problem(track.moov.place, text, "write mvex with a trex for the track")


@RULES.rule("B3.tables", ERROR, "ISO/IEC 23000-19:2020, 7.3; 14496-12:2022, 8.6.1.2, 8.7")
def _tables(track: Track) -> Iterator[Problem]:
    """The sample tables of a fragmented track are there and empty."""
    if not track.fragments or track.tables is None:
        return
    for code in (b"stts", b"stsc", b"stsz", b"stco"):
        if track.tables.find(code) is None:
            name = code.decode()
            yield Problem(track.tables.place, f"has no {name}", f"write an empty {name}", WARNING)
    times = track.tables.get(TimeToSampleBox, b"stts")
    sizes = track.tables.get(SampleSizeBox, b"stsz")
    chunks = track.tables.get(ChunkOffsetBox, b"stco")
    if (times and times.entries) or (sizes and sizes.sizes) or (chunks and chunks.offsets):
        text = "samples are described in the movie box as well as in fragments"
        yield Problem(track.tables.place, text, "leave stts, stsc, stsz and stco empty")


@RULES.rule("B3.flags", WARNING, "ISO/IEC 14496-12:2022, 8.3.2.3")
def _enabled(track: Track) -> Iterator[Problem]:
    """The track is enabled."""
    header = track.trak.get(TrackHeaderBox, b"tkhd")
    if header and not header.flags & 1:
        node = track.place_of(b"tkhd")
        yield Problem(node.place, "the track is not enabled", "set flags to 7")


@RULES.rule("B3.durations", NOTE, "ISO/IEC 23000-19:2020, 7.5")
def _zero_durations(track: Track) -> Iterator[Problem]:
    """The header of a fragmented track says no duration."""
    header = track.moov.get(MovieHeaderBox, b"mvhd")
    if track.fragments and header and header.duration:
        node = track.moov.find(b"mvhd") or track.moov
        text = f"a CMAF header says a duration of {header.duration}"
        yield Problem(node.place, text, "write 0: the fragments know")


@RULES.rule("B3.dates", NOTE, "ISO/IEC 14496-12:2022, 8.2.2.3")
def _dates(track: Track) -> Iterator[Problem]:
    """The header has no date, so that packaging again gives the same bytes."""
    header = track.moov.get(MovieHeaderBox, b"mvhd")
    if header and header.dates.created:
        node = track.moov.find(b"mvhd") or track.moov
        text = "the header has a date: packaging again gives other bytes"
        yield Problem(node.place, text, "write creation_time 0 where files should be reproducible")


@RULES.rule("B7.brands", NOTE, "ISO/IEC 23000-19:2020, 7.2")
def _brands(track: Track) -> Iterator[Problem]:
    """The file has a CMAF brand."""
    box = track.file_type
    if box and track.fragments and not _CMAF & {box.major_brand, *box.compatible_brands}:
        node = next(one for one in track.nodes if one.box is box)
        yield Problem(node.place, "no CMAF brand", "add cmfc to the compatible brands")


@RULES.rule("B1.base", ERROR, "ISO/IEC 14496-12:2022, 8.8.7.1; 23000-19:2020, 7.5")
def _base(track: Track) -> Iterator[Problem]:
    """Offsets count from the moof, so that segments can be moved."""
    for one in track.fragments:
        node = one.traf.find(b"tfhd") or one.traf
        if one.header.base_data_offset is not None:
            text = f"base-data-offset {one.header.base_data_offset}: segments cannot be moved"
            yield Problem(node.place, text, "leave base_data_offset out, set default-base-is-moof")
            return
        if not one.header.flags & DEFAULT_BASE_IS_MOOF:
            yield Problem(node.place, "default-base-is-moof is not set", "set flag 0x020000")
            return


@RULES.rule("B1.data", ERROR, "ISO/IEC 14496-12:2022, 8.8.8.2")
def _data(track: Track) -> Iterator[Problem]:
    """The samples are what is in the mdat, no more and no less."""
    for one in track.fragments:
        if one.mdat is None or not one.sizes:
            continue
        node = one.traf.find(b"trun") or one.traf
        first = one.mdat.start + one.mdat.header_size
        end = one.offset + sum(one.sizes)
        if one.offset < first or end > one.mdat.end:
            text = (
                f"samples lie in bytes {one.offset} to {end}, the mdat in {first} to {one.mdat.end}"
            )
            remedy = "count data_offset from the moof's first byte to the first byte of the samples"
            yield Problem(node.place, text, remedy)
        elif end != one.mdat.end or one.offset != first:
            text = f"{one.mdat.end - first - sum(one.sizes)} bytes of the mdat belong to no sample"
            yield Problem(node.place, text, "write nothing but samples into mdat", WARNING)


@RULES.rule("B2.single", WARNING, "ISO/IEC 23000-19:2020, 7.3")
def _single(track: Track) -> Iterator[Problem]:
    """A fragment is one traf with one trun."""
    for one in track.fragments:
        if len(one.moof.all(b"traf")) != 1 or len(one.runs) != 1:
            trafs = len(one.moof.all(b"traf"))
            text = f"{trafs} track fragments and {len(one.runs)} runs in a fragment"
            yield Problem(one.moof.place, text, "write one traf with one trun per moof")
            return


@RULES.rule("B2.data", ERROR, "ISO/IEC 23000-19:2020, 7.3")
def _mdat(track: Track) -> Iterator[Problem]:
    """A moof is followed by its mdat."""
    for one in track.fragments:
        if one.mdat is None:
            yield Problem(
                one.moof.place, "no mdat follows the moof", "write each moof with its mdat"
            )


@RULES.rule("B2.sync", WARNING, "ISO/IEC 14496-12:2022, 8.8.3.1")
def _sync(track: Track) -> Iterator[Problem]:
    """Audio samples are sync samples."""
    extends = track.moov.get(TrackExtendsBox, b"mvex", b"trex")
    default = extends.default_sample_flags if extends else 0
    for one in track.fragments:
        own = one.header.default_sample_flags
        flags = default if own is None else own
        columns = [run.sample_flags for run in one.runs if run.sample_flags]
        if flags & _NOT_SYNC or any(value & _NOT_SYNC for column in columns for value in column):
            node = one.traf.find(b"tfhd") or one.traf
            text = "audio samples are marked as no sync samples: players cannot seek to them"
            yield Problem(node.place, text, "write sample flags 0x02000000")
            return


@RULES.rule("B4.rate", WARNING, "ISO/IEC 14496-12:2022, 12.2.3.2")
def _rate(track: Track) -> Iterator[Problem]:
    """The rate in the sample entry is the codec's, or the largest half of it that fits."""
    entry, config = track.entry, track.config
    if entry is None or config is None or entry.sample_rate == 0:
        return
    rate = entry.sample_rate >> 16
    allowed = {config.sample_rate_hz, track.timescale}
    halves = config.sample_rate_hz
    while halves > _RATE_LIMIT:
        halves //= 2
    if config.codec is Codec.AAC:
        allowed.add(config.sample_rate_hz // 2)  # HE-AAC: the rate of the core
    if rate not in {*allowed, halves}:
        text = f"the sample entry says {rate} Hz, the decoder configuration {config.sample_rate_hz}"
        remedy = "write the rate as 16.16, above 65,535 Hz the largest half that fits"
        yield Problem(track.entry_node.place, text, remedy)


@RULES.rule("B4.channels", WARNING, "ISO/IEC 14496-12:2022, 12.2.3.2", answers="shaka-packager#313")
def _channels(track: Track) -> Iterator[Problem]:
    """The channel count in the sample entry is the codec's."""
    entry, config = track.entry, track.config
    if entry is None or config is None or config.codec in {Codec.AC3, Codec.EC3}:
        return  # ETSI TS 102 366, F.2: those are not to be read
    if entry.channel_count != config.channels:
        text = f"{entry.channel_count} channels in the sample entry, {config.channels} in the codec"
        yield Problem(track.entry_node.place, text, "write the decoder configuration's count")


@RULES.rule("B5.config", ERROR, "ISO/IEC 14496-12:2022, 8.5.2; 14496-14:2020, 6.7.2")
def _configuration(track: Track) -> Iterator[Problem]:
    """The decoder configuration is there and can be read."""
    if track.config is None:
        remedy = "write the codec's own box (esds, dOps, dfLa, alac, dac3, dec3) into the entry"
        yield Problem(track.entry_node.place, track.config_fault, remedy)


@RULES.rule(
    "T7.blocks",
    ERROR,
    "RFC 9639, 8.2; Encapsulation of FLAC in ISO BMFF 0.0.4, 3.3.2",
    answers="AetherEngine#221",
)
def _blocks(track: Track) -> Iterator[Problem]:
    """A FLAC track says a smallest block of 16 samples at least."""
    children = clear_entry(track.entry).children if track.entry else ()
    for box in children:
        if isinstance(box, FlacSpecificBox) and box.blocks:
            smallest = int.from_bytes(box.blocks[0][1][:2], "big")
            if smallest < 16:
                text = (
                    f"STREAMINFO says a smallest block of {smallest}: Core Audio refuses the track"
                )
                yield Problem(track.entry_node.place, text, "write 16 at least")


@RULES.rule("B6.single", NOTE, "ISO/IEC 14496-12:2022, 8.16.3", answers="shaka-packager#862")
def _one_index(track: Track) -> Iterator[Problem]:
    """A file has one sidx."""
    files = [node.place.file for node in track.indexes]
    for node in track.indexes:
        if files.count(node.place.file) > 1:
            text = f"{files.count(node.place.file)} sidx boxes in one file"
            yield Problem(node.place, text, "write one; lengthen segments beyond 65,535 of them")
            return


@RULES.rule("B6.range", ERROR, "ISO/IEC 14496-12:2022, 8.16.3.3")
def _index_ranges(track: Track) -> Iterator[Problem]:
    """The ranges of a sidx are whole boxes."""
    for node in track.indexes:
        box = node.box
        if not isinstance(box, SegmentIndexBox):
            continue
        own = [one for one in track.nodes if one.place.file == node.place.file]
        starts, ends = {one.start for one in own}, {one.end for one in own}
        at = node.end + box.first_offset
        for number, reference in enumerate(box.references, 1):
            if at not in starts or at + reference.size not in ends:
                text = f"reference {number} is bytes {at} to {at + reference.size}: no whole boxes"
                yield Problem(node.place, text, "let references count from the end of the sidx")
                break
            at += reference.size


def covered(track: Track, node: Node, box: SegmentIndexBox) -> Iterator[tuple[int, list[Fragment]]]:
    """For each reference of an index its duration in ticks and the fragments in its range."""
    start = node.end + box.first_offset
    own = [one for one in track.fragments if one.moof.place.file == node.place.file]
    starts = [one.moof.start for one in own]
    for reference in box.references:
        end = start + reference.size
        yield reference.duration, own[bisect_left(starts, start) : bisect_left(starts, end)]
        start = end


@RULES.rule("B6.duration", WARNING, "ISO/IEC 14496-12:2022, 8.16.3.3")
def _index_durations(track: Track) -> Iterator[Problem]:
    """The durations of a sidx are those of its fragments."""
    for node in track.indexes:
        box = node.box
        if not isinstance(box, SegmentIndexBox) or not box.timescale:
            continue
        for number, (duration, fragments) in enumerate(covered(track, node, box), 1):
            cut = track.delay if fragments and fragments[0] is track.fragments[0] else 0
            actual = sum(one.ticks for one in fragments) - cut
            off = abs(Fraction(duration, box.timescale) - Fraction(actual, track.timescale))
            if off > Fraction(1, min(track.timescale, _ROUNDED_HZ)):
                text = (
                    f"reference {number} lasts {duration / box.timescale:.6f} s in the index, "
                    f"{actual / track.timescale:.6f} s in its fragments"
                )
                remedy = "write the presented duration: the sum of the samples less the priming"
                yield Problem(node.place, text, remedy)
                break


@RULES.rule(
    "B8.loudness",
    NOTE,
    "ISO/IEC 14496-12:2022, 12.2.7; Apple HLS Authoring Specification, 2.19",
    answers="shaka-packager#816, Bento4#753",
)
def _loudness(track: Track) -> Iterator[Problem]:
    """The track says how loud it is."""
    if track.fragments and track.trak.find(b"udta", b"ludt") is None:
        text = "does not say how loud it is: players cannot level songs"
        yield Problem(track.trak.place, text, "write udta/ludt with tlou")

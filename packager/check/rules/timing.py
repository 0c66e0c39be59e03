"""Times, edit lists and what gapless playback needs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from packager.boxes.file import SegmentIndexBox
from packager.boxes.movie import EditListBox
from packager.boxes.table import SampleGroupDescriptionBox
from packager.check.findings import Problem, Rules, Severity
from packager.check.track import Track, frame_ticks, pre_skip, roll_wanted
from packager.model import Codec

RULES: Rules[Track] = Rules()
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_PRIMED = frozenset((Codec.AAC, Codec.OPUS))


@RULES.rule("T1.timescale", WARNING, "ISO/IEC 23000-19:2020, 10.2; Opus in ISO BMFF 0.8.1, 4.3.1")
def _timescale(track: Track) -> Iterator[Problem]:
    """The timescale is the sampling rate."""
    if track.config is None or track.trak.find(b"mdia", b"mdhd") is None:
        return
    rate = track.config.timescale
    core = rate // 2 if track.config.codec is Codec.AAC else rate
    if track.timescale not in {rate, core}:
        text = f"{track.timescale} ticks per second for audio at {rate} Hz: times are not exact"
        remedy = f"use the sampling rate as the timescale: {rate}"
        severity = ERROR if track.config.codec is Codec.OPUS else WARNING
        yield Problem(track.place_of(b"mdia", b"mdhd").place, text, remedy, severity)


@RULES.rule("T2.decode", ERROR, "ISO/IEC 14496-12:2022, 8.8.12", answers="shaka-packager#1265")
def _decode_times(track: Track) -> Iterator[Problem]:
    """A fragment's decode time is the sum of all durations before it."""
    time: int | None = None
    for one in track.fragments:
        node = one.traf.find(b"tfdt") or one.traf
        if one.decode_time is None:
            yield Problem(node.place, "the fragment has no tfdt", "write tfdt, version 1")
            return
        if time is not None and one.decode_time != time:
            text = f"begins at tick {one.decode_time}; the samples before it end at {time}"
            yield Problem(node.place, text, "write the sum of all durations before the fragment")
            return
        time = one.decode_time + one.ticks


@RULES.rule("T2.zero", WARNING, "ISO/IEC 23000-19:2020, 7.3")
def _starts_at_zero(track: Track) -> Iterator[Problem]:
    """The first sample, priming included, is decoded at 0."""
    first = track.fragments[0] if track.fragments else None
    if first and first.decode_time:
        node = first.traf.find(b"tfdt") or first.traf
        text = f"the track begins at tick {first.decode_time}, not at 0"
        yield Problem(node.place, text, "let the first priming sample have decode time 0")


@RULES.rule("T3.grid", WARNING, "ISO/IEC 14496-3:2019, 4.5.1.1; ETSI TS 102 366 V1.4.1, 4.1")
def _grid(track: Track) -> Iterator[Problem]:
    """Every sample but the last lasts a whole frame of its coding."""
    wanted = frame_ticks(track)
    if not wanted:
        return
    for one in track.fragments:
        last = one is track.fragments[-1]
        durations = one.durations[:-1] if last else one.durations
        if any(ticks != wanted for ticks in durations):
            found = next(ticks for ticks in durations if ticks != wanted)
            node = one.traf.find(b"trun") or one.traf
            text = f"a sample of {found} ticks inside the track; its coding has frames of {wanted}"
            yield Problem(node.place, text, "give every sample but the last its frame's duration")
            return


@RULES.rule(
    "G1.edit",
    WARNING,
    "ISO/IEC 14496-12:2022, 8.6.6; 23000-19:2020, 7.5",
    answers="shaka-packager#112, gpac#2283",
)
def _edit(track: Track) -> Iterator[Problem]:
    """One edit cuts the priming, and no more than the first fragment."""
    edits = track.trak.get(EditListBox, b"edts", b"elst")
    node = track.place_of(b"edts", b"elst")
    if edits and track.fragments:
        if len(edits.edits) != 1 or edits.edits[0].media_time < 0:
            text = f"{len(edits.edits)} edits; a CMAF track has one that skips the priming"
            yield Problem(node.place, text, "write one edit: media_time is the priming")
        elif edits.edits[0].duration:
            text = "the edit has a duration in a fragmented file"
            yield Problem(node.place, text, "write segment_duration 0: to the end", NOTE)
        first = track.fragments[0]
        if track.delay and first.ticks <= track.delay:
            text = f"the edit of {track.delay} ticks skips the first fragment of {first.ticks}"
            yield Problem(node.place, text, "make the first segment longer than the priming")


@RULES.rule("G1.priming", WARNING, "ISO/IEC 14496-12:2022, 8.6.6", answers="gpac#190, gpac#1160")
def _priming(track: Track) -> Iterator[Problem]:
    """A coding that has priming says how much."""
    if track.config and track.fragments and track.config.codec in _PRIMED and track.delay == 0:
        name = track.config.codec.value
        text = f"{name} without an edit list for its priming: silence is heard at the start"
        yield Problem(track.trak.place, text, "write elst with the encoder's delay as media_time")


@RULES.rule("G1.preskip", WARNING, "Encapsulation of Opus in ISO BMFF 0.8.1, 4.4")
def _pre_skip(track: Track) -> Iterator[Problem]:
    """Opus says the same of it in dOps and in the edit list."""
    skip = pre_skip(track)
    if skip is None or not track.delay:
        return
    delay = Fraction(track.delay * 48000, track.timescale)
    if delay != skip:
        text = f"dOps says a pre-skip of {skip} samples, the edit list cuts {delay}"
        yield Problem(track.place_of(b"edts", b"elst").place, text, "write the same in both")


@RULES.rule("G3.earliest", WARNING, "ISO/IEC 14496-12:2022, 8.16.3.3", answers="livesim2#210")
def _earliest(track: Track) -> Iterator[Problem]:
    """The index counts times after the edit list."""
    for node in track.indexes[:1]:
        box, first = node.box, next(iter(track.fragments), None)
        if isinstance(box, SegmentIndexBox) and box.timescale and first and first.decode_time == 0:
            time = Fraction(box.earliest_presentation_time, box.timescale)
            if time:
                text = f"the index begins at {float(time):.6f} s; the first sample heard is at 0"
                yield Problem(node.place, text, "write times after the edit list")


@RULES.rule(
    "G5.roll",
    WARNING,
    "ISO/IEC 14496-12:2022, 10.1; Opus in ISO BMFF 0.8.1, 4.3.6.2",
    answers="shaka-packager#108",
)
def _roll(track: Track) -> Iterator[Problem]:
    """Opus has a roll group of 80 ms, counted in frames."""
    wanted = roll_wanted(track)
    tables = track.tables
    groups = tables.all(b"sgpd") if tables else ()
    boxes = [node.box for node in groups if isinstance(node.box, SampleGroupDescriptionBox)]
    rolls = [box for box in boxes if box.grouping_type == b"roll" and box.entry_size == 2]
    if wanted is not None and not rolls and not _in_fragments(track):
        text = "no roll group: after seeking, the first 80 ms are wrong"
        yield Problem(track.trak.place, text, f"write sgpd roll with distance {wanted}")
    for box in rolls:
        distances = [int.from_bytes(entry, "big", signed=True) for entry in box.entries]
        node = groups[boxes.index(box)]
        for distance in distances:
            if not _MOST <= distance < 0:
                text = f"a roll distance of {distance}: it counts samples of the track (frames)"
                remedy = f"write {wanted}" if wanted else "write a small negative number of frames"
                yield Problem(node.place, text, remedy, ERROR)
            elif wanted is not None and distance > wanted:
                text = f"a roll distance of {distance} frames; 80 ms are {wanted}"
                yield Problem(node.place, text, f"write {wanted}")


_MOST = -32  # frames: 80 ms in the shortest Opus frames; no audio coding needs more


def _in_fragments(track: Track) -> bool:
    return any(one.traf.find(b"sgpd") for one in track.fragments)

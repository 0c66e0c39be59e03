"""Segments as a manifest cuts them, beside what is in the files. The same for HLS and DASH."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from packager.check.findings import Problem, Rules, Severity
from packager.check.media import Media, SegmentView

RULES: Rules[Media] = Rules()
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
_MIN_TAIL_S = Fraction(1, 2)
_ROUNDED_S = Fraction(1, 1000)  # EXTINF with three decimals


@RULES.rule("S1.range", ERROR, "RFC 8216, 4.3.2.2; ISO/IEC 23000-19:2020, 7.3")
def _ranges(media: Media) -> Iterator[Problem]:
    """The range of a segment is whole boxes with samples of the track."""
    for segment in media.segments:
        fault = _range_fault(segment)
        if fault:
            remedy = "let each segment be whole boxes: moof and mdat, with what stands before them"
            yield Problem(segment.place, fault, remedy)
            return


def _range_fault(segment: SegmentView) -> str:
    span, nodes = segment.span, segment.nodes
    where = f"bytes {span.start} to {span.end}"
    if span.end > segment.view.size:
        return f"{where}: the file ends at {segment.view.size}"
    if not nodes or nodes[0].start != span.start or nodes[-1].end != span.end:
        return f"{where}: they do not begin and end with a box"
    if not segment.fragments:
        return f"{where}: there is no fragment of the track in them"
    return ""


@RULES.rule("S1.complete", WARNING, "RFC 8216, 3; ISO/IEC 23009-1:2022, 5.3.9")
def _complete(media: Media) -> Iterator[Problem]:
    """Every fragment of the file is in a segment."""
    named = {(one.moof.place.file, one.moof.start) for one in media.track.fragments}
    left = media.stored_fragments - len(named)
    if left > 0 and named:
        text = f"{left} fragments of the file are in no segment"
        yield Problem(media.place, text, "name every fragment once")


@RULES.rule("T2.joined", ERROR, "RFC 8216, 3; ISO/IEC 14496-12:2022, 8.8.12")
def _joined(media: Media) -> Iterator[Problem]:
    """Segments follow each other without gap or overlap."""
    time: int | None = None
    for segment in media.segments:
        for one in segment.fragments:
            if time is not None and one.decode_time is not None and one.decode_time != time:
                gap = Fraction(one.decode_time - time, media.track.timescale)
                what = "a gap" if gap > 0 else "an overlap"
                text = f"{what} of {abs(float(gap)):.6f} s before this segment"
                yield Problem(segment.place, text, "name the segments in order, each once")
                return
            time = (one.decode_time or time or 0) + one.ticks


@RULES.rule("T5.declared", ERROR, "RFC 8216, 4.3.2.1; ISO/IEC 23009-1:2022, 5.3.9.6")
def _declared(media: Media) -> Iterator[Problem]:
    """A segment lasts as long as the manifest says."""
    for segment, (start, end) in zip(media.segments, media.presented, strict=True):
        if segment.declared_s is None or not segment.fragments:
            continue
        off = abs(segment.declared_s - (end - start))
        primed = Fraction(media.track.delay, media.track.timescale)
        if off > media.frame_s + primed + _ROUNDED_S:
            text = (
                f"is said to last {float(segment.declared_s):.6f} s, lasts {float(end - start):.6f}"
            )
            yield Problem(segment.place, text, "write the duration of its samples")
            return
        if off > _ROUNDED_S:
            said = float(segment.declared_s)
            text = f"is said to last {said:.6f} s, {float(end - start):.6f} are heard"
            yield Problem(segment.place, text, "leave the priming out", WARNING)
            return


@RULES.rule("T5.sum", WARNING, "RFC 8216, 4.3.2.1")
def _sum(media: Media) -> Iterator[Problem]:
    """All segments together last as long as the track."""
    declared = [one.declared_s for one in media.segments if one.declared_s is not None]
    if len(declared) != len(media.segments) or not media.segments:
        return
    off = abs(sum(declared, Fraction(0)) - media.duration_s)
    if off > _ROUNDED_S:
        text = (
            f"the segments are said to last {float(sum(declared, Fraction(0))):.6f} s together, "
            f"{float(media.duration_s):.6f} are presented"
        )
        yield Problem(media.place, text, "round edges, not durations; six decimals or more")


@RULES.rule("T5.tail", WARNING, "ISO/IEC 23000-19:2020, 7.3", answers="shaka-packager#1496")
def _tail(media: Media) -> Iterator[Problem]:
    """The last segment is not shorter than half a second."""
    if len(media.segments) < 2 or not media.segments[-1].fragments:
        return
    start, end = media.presented[-1]
    if end - start < _MIN_TAIL_S:
        text = f"the last segment has {float(end - start):.6f} s"
        remedy = "merge a tail of less than half a second into the segment before it"
        yield Problem(media.segments[-1].place, text, remedy)


@RULES.rule("T5.length", WARNING, "ISO/IEC 23000-19:2020, 7.3")
def _lengths(media: Media) -> Iterator[Problem]:
    """All segments but the first and last are about equally long."""
    lengths = [end - start for start, end in media.presented]
    for segment, length in zip(media.segments[1:-1], lengths[1:-1], strict=True):
        typical = sorted(lengths)[len(lengths) // 2]
        if segment.fragments and abs(length - typical) > typical / 2:
            text = f"a segment of {float(length):.3f} s among segments of {float(typical):.3f} s"
            yield Problem(segment.place, text, "cut all but the last on one grid")
            return

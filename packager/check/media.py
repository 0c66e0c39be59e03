"""A track as a manifest divides it into segments, whatever kind of manifest that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from packager.bitrate import peak_bps
from packager.check.findings import Place
from packager.check.source import View
from packager.check.track import Fragment, Track
from packager.check.tree import Node
from packager.model import ByteSpan


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One segment: what the manifest says and what is there."""

    place: Place  # where the manifest names it
    address: str
    span: ByteSpan
    size: int  # bytes as transferred
    declared_s: Fraction | None  # seconds, of EXTINF or SegmentTimeline
    starts_s: Fraction | None  # seconds, of SegmentTimeline
    nodes: tuple[Node, ...]  # the boxes that begin in the span
    fragments: tuple[Fragment, ...]
    view: View  # its bytes, decrypted if it was encrypted whole

    @property
    def ticks(self) -> int:
        """Duration of its samples."""
        return sum(one.ticks for one in self.fragments)


@dataclass(frozen=True)
class Media:
    """A rendition as a manifest presents it."""

    label: str  # the Representation's id or the playlist's address
    place: Place  # where the manifest speaks of it as a whole
    track: Track
    header: tuple[Node, ...]  # the boxes that begin in what is named as the header
    header_span: ByteSpan
    segments: tuple[SegmentView, ...]
    views: Mapping[str, View]
    stored_fragments: int  # in the files that the segments are in, named or not

    @cached_property
    def presented(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """Start and end of each segment as it is heard, seconds: the edit list is applied."""
        spans = []
        time = 0
        for segment in self.segments:
            first = segment.fragments[0] if segment.fragments else None
            if first and first.decode_time is not None:
                time = first.decode_time
            start, time = time, time + segment.ticks
            spans.append((self._seconds(start), self._seconds(time)))
        return tuple(spans)

    def _seconds(self, tick: int) -> Fraction:
        return Fraction(max(0, tick - self.track.delay), self.track.timescale)

    @property
    def header_fault(self) -> str:
        """What is wrong with the range of the header; nothing if it is ftyp to moov."""
        codes = [node.code for node in self.header]
        names = b" ".join(codes).decode("latin-1") or "nothing"
        if b"moov" not in codes or not {b"moof", b"mdat"}.isdisjoint(codes):
            return f"the header is {names}"
        span = self.header_span
        if (self.header[0].start, self.header[-1].end) != (span.start, span.end):
            return f"bytes {span.start} to {span.end} do not begin and end with a box"
        return ""

    @property
    def duration_s(self) -> Fraction:
        """Presented duration, seconds."""
        return self.presented[-1][1] if self.presented else Fraction(0)

    @property
    def frame_s(self) -> Fraction:
        """The longest sample, seconds: what times may differ by where frames decide."""
        longest = max((max(one.durations, default=0) for one in self.track.fragments), default=0)
        return Fraction(longest, self.track.timescale)

    @property
    def peak_bps(self) -> int:
        """The peak segment bit rate, as `packager.bitrate` defines it."""
        return peak_bps(
            [segment.size for segment in self.segments],
            [end - start for start, end in self.presented],
            1,
        )

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size for segment in self.segments)

    @property
    def average_bps(self) -> int:
        """Bytes of all segments over the duration."""
        return -(-self.size * 8 // self.duration_s) if self.duration_s else 0

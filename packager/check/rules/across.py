"""Renditions beside each other: what a player has to be able to switch between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packager.boxes.protection import SampleEncryptionBox
from packager.check.decryption import MalformedAuxiliary, sample_ivs
from packager.check.findings import Place, Problem, Rules, Severity
from packager.check.media import Media


@dataclass(frozen=True, slots=True)
class SwitchingSet:
    """The media of an AdaptationSet, or of an HLS group of one coding."""

    place: Place
    media: tuple[Media, ...]


SETS: Rules[SwitchingSet] = Rules()
EVERYTHING: Rules[tuple[Media, ...]] = Rules()
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


@SETS.rule(
    "T4.family",
    WARNING,
    "ISO/IEC 23000-19:2020, 7.3",
    answers="shaka-streamer#18, shaka-streamer#185",
)
def _family(group: SwitchingSet) -> Iterator[Problem]:
    """A set has one codec, sampling rate and channel count."""
    families = {
        (one.track.config.codec, one.track.config.sample_rate_hz, one.track.config.channels)
        for one in group.media
        if one.track.config
    }
    if len(families) > 1:
        shown = ", ".join(
            f"{codec.value} {rate} Hz {channels}ch" for codec, rate, channels in sorted(families)
        )
        text = f"codings of several kinds are offered as one: {shown}"
        yield Problem(group.place, text, "one set for each codec, sampling rate and channel count")


@SETS.rule("T4.aligned", ERROR, "ISO/IEC 23009-1:2022, 5.3.3.2; RFC 8216, 6.2.4")
def _aligned(group: SwitchingSet) -> Iterator[Problem]:
    """The renditions of a set are cut at the same times."""
    first, *others = group.media or (None,)
    for one in others:
        if first is None or one is None:
            continue
        slack = max(first.frame_s, one.frame_s) / 2
        edges = zip(first.presented, one.presented, strict=False)
        apart = next((at for at, (a, b) in enumerate(edges) if abs(a[0] - b[0]) > slack), None)
        if apart is not None and apart < min(len(first.segments), len(one.segments)):
            text = (
                f"segment {apart + 1} begins at {float(one.presented[apart][0]):.6f} s, "
                f"in {first.label} at {float(first.presented[apart][0]):.6f} s"
            )
            remedy = "cut all renditions of a set on one grid of frames"
            yield Problem(one.segments[apart].place, text, remedy)
        elif len(first.segments) != len(one.segments):
            text = f"{len(one.segments)} segments, {len(first.segments)} in {first.label}"
            yield Problem(one.place, text, "cut all renditions of a set on one grid of frames")


@SETS.rule("T4.priming", WARNING, "ISO/IEC 23000-19:2020, 7.3", answers="gpac#1160")
def _same_priming(group: SwitchingSet) -> Iterator[Problem]:
    """The renditions of a set have the same priming."""
    delays = {one.track.delay for one in group.media}
    if len(delays) > 1:
        text = f"different priming in one set: {', '.join(map(str, sorted(delays)))} ticks"
        yield Problem(group.place, text, "encode all with one encoder: switching clicks otherwise")


@EVERYTHING.rule("E3.shared", ERROR, "ISO/IEC 23001-7:2023, 10.1; NIST SP 800-38A, 6.5")
def _shared_ivs(media: tuple[Media, ...]) -> Iterator[Problem]:
    """No two renditions share a key and an IV under cenc."""
    seen: dict[tuple[bytes, bytes], Media] = {}
    for one in _distinct(media):
        box = one.track.encryption
        if box is None or one.track.scheme != b"cenc":
            continue
        for iv in _ivs(one, box.default_per_sample_iv_size):
            other = seen.setdefault((box.default_kid, iv), one)
            if other is not one:
                text = f"shares key {box.default_kid.hex()} and IV {iv.hex()} with {other.label}"
                remedy = "never use a key and an IV twice: start each rendition elsewhere"
                yield Problem(one.track.entry_node.place, text, remedy)
                break


def _distinct(media: tuple[Media, ...]) -> Iterator[Media]:
    """Each file once, though several manifests name it."""
    files: set[str] = set()
    for one in media:
        file = one.track.fragments[0].moof.place.file if one.track.fragments else one.label
        if file not in files:
            files.add(file)
            yield one


def _ivs(one: Media, iv_size: int) -> Iterator[bytes]:
    for fragment in one.track.fragments:
        senc = fragment.traf.get(SampleEncryptionBox, b"senc")
        try:
            yield from {iv[:8] for iv, _ in sample_ivs(senc, iv_size)} if senc else ()
        except MalformedAuxiliary:
            return

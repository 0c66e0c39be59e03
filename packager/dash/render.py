"""A `Package` as an MPD. ISO/IEC 23009-1:2022, 5; profiles of 8.3 (ranges) and 8.4 (segments)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise

from lxml import etree

from packager.addressing import Addressing
from packager.dash import channels
from packager.dash.protection import content_protection
from packager.dash.text import pictures, text_sets
from packager.dash.tree import CENC, MPD, child, duration
from packager.loudness import loudness_text
from packager.model import Codec, Loudness, Package, Picture, Rendition
from packager.release import starts_s, with_equal_lyrics
from packager.systems import CLEARKEY_ONLY, KeySystems

_PROFILES = {
    Addressing.RANGES: "urn:mpeg:dash:profile:isoff-on-demand:2011",
    Addressing.SEGMENTS: "urn:mpeg:dash:profile:isoff-live:2011",
}
_CMAF_PROFILE = "urn:mpeg:dash:profile:cmaf:2019"
_SWITCHING = "urn:mpeg:dash:adaptation-set-switching:2016"  # 23009-1, 5.3.3.5
_ORDER = (Codec.AAC, Codec.OPUS, Codec.FLAC, Codec.ALAC, Codec.AC3, Codec.EC3)

_NAMESPACES: dict[str | None, str] = {None: MPD, "cenc": CENC}

_Set = tuple[Rendition, ...]  # the renditions of one AdaptationSet
_Family = tuple[int, str, int, int, int]


@dataclass(frozen=True, slots=True)
class _Context:
    """What every element below the MPD has to know."""

    media_base: str
    addressing: Addressing
    systems: KeySystems


def mpd(
    package: Package,
    *,
    media_base: str = "",
    addressing: Addressing = Addressing.RANGES,
    systems: KeySystems = CLEARKEY_ONLY,
    picture_url: Callable[[Picture], str] = lambda one: one.file,
) -> str:
    """The MPD; `media_base` is what the URL of each media file begins with, relative to it.

    There is no license URL in it, unless `systems` names one for an MPD that is nobody else's:
    a shared document must not say who may ask, or where.
    """
    root = _root((package,), addressing, package.duration_s)
    information = _information(root, package.title, package.artist)
    pictures(information, package, picture_url)
    context = _Context(media_base, addressing, systems)
    _period(root, "0", package, package.duration_s, context)
    _loudness(root, "album", package.album_loudness)
    return _text(root)


def release_mpd(
    packages: Sequence[Package],
    *,
    title: str,
    artist: str,
    media_base: Callable[[Package], str],
    addressing: Addressing = Addressing.RANGES,
    systems: KeySystems = CLEARKEY_ONLY,
) -> str:
    """The MPD of a release: a Period for each track, in order, named by its track.

    A player cuts every track at its Period's end (5.3.2.1), and with that the padding of the
    encoder that no edit list can cut. Durations are differences of rounded start times, so that
    they add up to the whole. Pass what `packager.release.in_common` gives.
    """
    edges = [_microseconds(start) for start in starts_s(packages)]
    root = _root(packages, addressing, edges[-1])
    _information(root, title, artist)
    for package, (start, end) in zip(with_equal_lyrics(packages), pairwise(edges), strict=True):
        context = _Context(media_base(package), addressing, systems)
        _period(root, package.track_id, package, end - start, context)
    _loudness(root, "album", packages[0].album_loudness)
    return _text(root)


def _root(
    packages: Sequence[Package], addressing: Addressing, presented_s: Fraction
) -> etree._Element:
    longest = max(_longest_segment_s(one) for package in packages for one in package.renditions)
    return etree.Element(
        f"{{{MPD}}}MPD",
        {
            "profiles": f"{_PROFILES[addressing]},{_CMAF_PROFILE}",
            "type": "static",
            "mediaPresentationDuration": duration(presented_s),
            "minBufferTime": duration(longest),
        },
        nsmap=_NAMESPACES,  # type: ignore[arg-type]  # the stubs forget the default namespace
    )


def _information(root: etree._Element, title: str, artist: str) -> etree._Element:
    information = child(root, "ProgramInformation")
    child(information, "Title").text = title
    child(information, "Source").text = artist
    return information


def _text(root: etree._Element) -> str:
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()


def _microseconds(seconds: Fraction) -> Fraction:
    """Rounded to what `duration` writes."""
    return Fraction(round(seconds * 1_000_000), 1_000_000)


def _period(
    root: etree._Element, name: str, package: Package, presented_s: Fraction, context: _Context
) -> None:
    """One track as a Period. It follows the one before it: a start time would only repeat that."""
    period = child(root, "Period", id=name, duration=duration(presented_s))
    sets = _adaptation_sets(package)
    for number, renditions in enumerate(sets):
        _adaptation_set(period, number, sets, context, renditions)
    text_sets(period, package, len(sets), context.media_base)
    _loudness(period, "track", package.loudness)


def _loudness(parent: etree._Element, of: str, loudness: Loudness | None) -> None:
    """A scheme of our own (docs/loudness.md): ISO/IEC 23009-1 has no descriptor for it."""
    if loudness is not None and (text := loudness_text(loudness)):
        scheme = f"urn:headwater:loudness:{of}:2026"
        child(parent, "SupplementalProperty", schemeIdUri=scheme, value=text)


def _family(one: Rendition) -> _Family:
    """Renditions of one family can follow each other in one decoder without a new setup."""
    order = _ORDER.index(one.codec)
    return order, one.codecs, one.sample_rate_hz, one.channels, one.joc_complexity or 0


def _adaptation_sets(package: Package) -> list[_Set]:
    """One set per codec, sampling rate and KID, in a stable order, bit rates rising."""

    def key(one: Rendition) -> tuple[_Family, str]:
        return _family(one), one.kid.hex if one.kid else ""

    # By first bit rate inside a family: KIDs are random, and the order must not be.
    grouped = [
        tuple(sorted(group, key=_by_rate))
        for _, group in groupby(sorted(package.renditions, key=key), key)
    ]
    return sorted(grouped, key=lambda group: (_family(group[0]), _by_rate(group[0])))


def _by_rate(one: Rendition) -> tuple[int, str]:
    return one.peak_bps, one.name


def _adaptation_set(
    period: etree._Element, number: int, sets: list[_Set], context: _Context, renditions: _Set
) -> None:
    first = renditions[0]
    # The on-demand profile speaks of subsegments, the other one of segments.
    kind = "subsegment" if context.addressing is Addressing.RANGES else "segment"
    starts = "subsegmentStartsWithSAP" if kind == "subsegment" else "startWithSAP"
    element = child(
        period,
        "AdaptationSet",
        id=str(number),
        contentType="audio",
        mimeType="audio/mp4",
        codecs=first.codecs,
        audioSamplingRate=str(first.sample_rate_hz),
        **{f"{kind}Alignment": "true", starts: "1"},
    )
    scheme, layout = channels.configuration(first)
    child(element, "AudioChannelConfiguration", schemeIdUri=scheme, value=layout)
    if first.kid is not None:
        systems = context.systems.provided_by(first.signaling)
        content_protection(element, first.scheme, first.kid, systems)
    # All codecs are one ladder: the same content, aligned; "typical examples are the offering of
    # the same content with different codecs" (5.3.3.5). dash.js offers only what is linked.
    others = [
        str(other)
        for other, group in enumerate(sets)
        if other != number
        and (group[0].channels, group[0].joc_complexity) == (first.channels, first.joc_complexity)
    ]
    for scheme, value in channels.joint_object_coding(first):
        child(element, "SupplementalProperty", schemeIdUri=scheme, value=value)
    if others:
        child(element, "SupplementalProperty", schemeIdUri=_SWITCHING, value=",".join(others))
    child(element, "Role", schemeIdUri="urn:mpeg:dash:role:2011", value="main")
    for one in renditions:
        _representation(element, one, context)


def _representation(parent: etree._Element, one: Rendition, context: _Context) -> None:
    element = child(parent, "Representation", id=one.name, bandwidth=str(one.peak_bps))
    if context.addressing is Addressing.SEGMENTS:
        _segment_template(element, one, context.media_base)
    else:
        child(element, "BaseURL").text = context.media_base + one.file
        _segment_base(element, one)


def _segment_base(element: etree._Element, one: Rendition) -> None:
    base = child(
        element,
        "SegmentBase",
        timescale=str(one.timescale),
        indexRange=f"{one.sidx.start}-{one.sidx.end - 1}",
        indexRangeExact="true",
    )
    child(base, "Initialization", range=f"{one.init.start}-{one.init.end - 1}")


def _segment_template(element: etree._Element, one: Rendition, media_base: str) -> None:
    """A URL for each segment, with exact times: frames of 1024 never fill a round second."""
    template = child(
        element,
        "SegmentTemplate",
        timescale=str(one.timescale),
        initialization=f"{media_base}{one.name}/init.mp4",
        media=f"{media_base}{one.name}/$Number$.m4s",
        startNumber="1",
    )
    timeline = child(template, "SegmentTimeline")
    start = 0
    for ticks, run in groupby(segment.duration for segment in one.segments):
        count = len(list(run))
        entry = child(timeline, "S", t=str(start), d=str(ticks))
        if count > 1:
            entry.set("r", str(count - 1))
        start += count * ticks


def _longest_segment_s(one: Rendition) -> Fraction:
    return Fraction(max(segment.duration for segment in one.segments), one.timescale)

"""A `Package` as an on-demand MPD. ISO/IEC 23009-1:2022, 8.3; DASH-IF IOP part 6 for keys."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from lxml import etree

from packager.dash import channels
from packager.model import Codec, Kid, Package, Rendition
from packager.pssh import System

_MPD = "urn:mpeg:dash:schema:mpd:2011"
_CENC = "urn:mpeg:cenc:2013"
_PROFILES = "urn:mpeg:dash:profile:isoff-on-demand:2011,urn:mpeg:dash:profile:cmaf:2019"
_SWITCHING = "urn:mpeg:dash:adaptation-set-switching:2016"  # 23009-1, 5.3.3.5
_ORDER = (Codec.AAC, Codec.OPUS, Codec.FLAC, Codec.ALAC, Codec.AC3, Codec.EC3)

_NAMESPACES: dict[str | None, str] = {None: _MPD, "cenc": _CENC}

_Set = tuple[Rendition, ...]  # the renditions of one AdaptationSet
_Family = tuple[int, str, int, int, int]


def mpd(package: Package, *, media_base: str = "") -> str:
    """The MPD; `media_base` is what the URL of each track file begins with, relative to it.

    There is no license URL in it: a shared document must not say who may ask, or where.
    """
    sets = _adaptation_sets(package)
    longest = max(_longest_segment_s(one) for one in package.renditions)
    duration = _duration(package.duration_s)
    root = etree.Element(
        f"{{{_MPD}}}MPD",
        {
            "profiles": _PROFILES,
            "type": "static",
            "mediaPresentationDuration": duration,
            "minBufferTime": _duration(longest),
        },
        nsmap=_NAMESPACES,  # type: ignore[arg-type]  # the stubs forget the default namespace
    )
    information = _child(root, "ProgramInformation")
    _child(information, "Title").text = package.title
    _child(information, "Source").text = package.artist
    period = _child(root, "Period", id="0", start="PT0S", duration=duration)
    for number, renditions in enumerate(sets):
        _adaptation_set(period, number, sets, media_base, renditions)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()


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
    period: etree._Element, number: int, sets: list[_Set], media_base: str, renditions: _Set
) -> None:
    first = renditions[0]
    element = _child(
        period,
        "AdaptationSet",
        id=str(number),
        contentType="audio",
        mimeType="audio/mp4",
        subsegmentAlignment="true",
        subsegmentStartsWithSAP="1",
        codecs=first.codecs,
        audioSamplingRate=str(first.sample_rate_hz),
    )
    scheme, layout = channels.configuration(first)
    _child(element, "AudioChannelConfiguration", schemeIdUri=scheme, value=layout)
    if first.kid is not None:
        _content_protection(element, first.scheme.value, first.kid)
    # All codecs are one ladder: the same content, aligned; "typical examples are the offering of
    # the same content with different codecs" (5.3.3.5). dash.js offers only what is linked.
    others = [
        str(other)
        for other, group in enumerate(sets)
        if other != number
        and (group[0].channels, group[0].joc_complexity) == (first.channels, first.joc_complexity)
    ]
    for scheme, value in channels.joint_object_coding(first):
        _child(element, "SupplementalProperty", schemeIdUri=scheme, value=value)
    if others:
        _child(element, "SupplementalProperty", schemeIdUri=_SWITCHING, value=",".join(others))
    _child(element, "Role", schemeIdUri="urn:mpeg:dash:role:2011", value="main")
    for one in renditions:
        _representation(element, one, media_base)


def _content_protection(parent: etree._Element, scheme: str, kid: Kid) -> None:
    """The scheme with its default KID first, then the key systems. DASH-IF IOP part 6."""
    common = _child(
        parent,
        "ContentProtection",
        schemeIdUri="urn:mpeg:dash:mp4protection:2011",
        value=scheme,
    )
    common.set(f"{{{_CENC}}}default_KID", str(kid))
    _child(
        parent,
        "ContentProtection",
        schemeIdUri=f"urn:uuid:{System.CLEARKEY.value}",
        value="ClearKey1.0",
    )


def _representation(parent: etree._Element, one: Rendition, media_base: str) -> None:
    element = _child(parent, "Representation", id=one.name, bandwidth=str(one.peak_bps))
    _child(element, "BaseURL").text = media_base + one.file
    base = _child(
        element,
        "SegmentBase",
        timescale=str(one.timescale),
        indexRange=f"{one.sidx.start}-{one.sidx.end - 1}",
        indexRangeExact="true",
    )
    _child(base, "Initialization", range=f"{one.init.start}-{one.init.end - 1}")


def _child(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_MPD}}}{name}", attributes)


def _longest_segment_s(one: Rendition) -> Fraction:
    return Fraction(max(segment.duration for segment in one.segments), one.timescale)


def _duration(seconds: Fraction) -> str:
    """An xs:duration in plain decimals, microseconds at most. ISO 8601."""
    value = Decimal(round(seconds * 1_000_000)) / 1_000_000
    return f"PT{value:f}S"

"""Lyrics and pictures in an MPD."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lxml import etree

from packager.dash.tree import child, foreign
from packager.model import Package, Picture, TextKind

_ROLE = "urn:mpeg:dash:role:2011"
_MEDIA_RSS = "http://search.yahoo.com/mrss/"


def text_sets(period: etree._Element, package: Package, first_id: int, media_base: str) -> None:
    """An AdaptationSet for each synced text: one WebVTT file beside the media.

    A file of its own instead of segments in MP4: every player takes it, and it is small. ISO/IEC
    23009-1, 5.3.9.1: a Representation with nothing but a BaseURL is a single segment.
    """
    synced = [one for one in package.lyrics if one.kind is TextKind.SYNCED]
    for number, one in enumerate(synced, first_id):
        element = child(
            period,
            "AdaptationSet",
            id=str(number),
            contentType="text",
            mimeType="text/vtt",
            **({} if one.language == "und" else {"lang": one.language}),
        )
        child(element, "Role", schemeIdUri=_ROLE, value="subtitle")
        rate = -(-one.size * 8 // max(package.duration_s, Fraction(1)))
        representation = child(element, "Representation", id=one.name, bandwidth=str(rate))
        child(representation, "BaseURL").text = media_base + one.file


def pictures(
    information: etree._Element, package: Package, picture_url: Callable[[Picture], str]
) -> None:
    """The cover as Media RSS thumbnails: ProgramInformation takes elements of other namespaces.

    ISO/IEC 23009-1, 5.7; nothing of its own points to a picture.
    """
    for one in package.pictures:
        thumbnail = foreign(information, "media", _MEDIA_RSS, "thumbnail")
        thumbnail.set("url", picture_url(one))
        thumbnail.set("width", str(one.width))
        thumbnail.set("height", str(one.height))

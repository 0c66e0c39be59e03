"""Elements of an MPD: names and values that every part of it needs."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from lxml import etree

MPD = "urn:mpeg:dash:schema:mpd:2011"
CENC = "urn:mpeg:cenc:2013"


def child(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    """A new last child in the MPD namespace."""
    return etree.SubElement(parent, f"{{{MPD}}}{name}", attributes)


def foreign(parent: etree._Element, prefix: str, namespace: str, name: str) -> etree._Element:
    """A new last child in another namespace, which is declared on it."""
    return etree.SubElement(parent, f"{{{namespace}}}{name}", nsmap={prefix: namespace})


def duration(seconds: Fraction) -> str:
    """An xs:duration in plain decimals, microseconds at most. ISO 8601."""
    value = Decimal(round(seconds * 1_000_000)) / 1_000_000
    return f"PT{value:f}S"

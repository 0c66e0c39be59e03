"""The document that a multivariant playlist refers to for the cover's sizes.

`EXT-X-SESSION-DATA` takes the URI of a JSON document (RFC 8216, 4.3.4.4); a tag for each picture
would need the bis draft's FORMAT=RAW, at which readers that do not know it fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from packager.model import Package, Picture

DOCUMENT = "covers.json"

TYPES = {"jpg": "image/jpeg", "png": "image/png"}


def document(package: Package, picture_url: Callable[[Picture], str] = lambda one: one.file) -> str:
    """`{"covers": [{url, width, height, type}]}`, smallest first; URLs are relative to it."""
    covers = [
        {
            "url": picture_url(one),
            "width": one.width,
            "height": one.height,
            "type": TYPES[one.ending],
        }
        for one in package.pictures
    ]
    return json.dumps({"covers": covers}, separators=(",", ":")) + "\n"

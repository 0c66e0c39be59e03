"""The tracks of a release as chapters of it: the JSON document of Apple's players.

"Providing JavaScript Object Notation (JSON) chapters" (Apple, HTTP Live Streaming):
`EXT-X-SESSION-DATA` with the DATA-ID `com.apple.hls.chapters` names it. Shaka Player reads it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from packager.model import Package
from packager.release import starts_s

DATA_ID = "com.apple.hls.chapters"
DOCUMENT = "chapters.json"
_DECIMALS = 6


def document(packages: Sequence[Package], media_base: Callable[[Package], str]) -> str:
    """One chapter for each track, with its title, artist and covers.

    `media_base` is what the URLs of a track's pictures begin with, relative to the document. Pass
    what `packager.release.in_common` gives.
    """
    chapters = list(_chapters(packages, media_base))
    return json.dumps(chapters, ensure_ascii=False, separators=(",", ":")) + "\n"


def _chapters(
    packages: Sequence[Package], media_base: Callable[[Package], str]
) -> Iterator[dict[str, Any]]:
    edges = [round(start, _DECIMALS) for start in starts_s(packages)]
    for number, (package, (start, end)) in enumerate(
        zip(packages, pairwise(edges), strict=True), 1
    ):
        chapter: dict[str, Any] = {
            "chapter": number,
            "start-time": float(start),
            "duration": float(end - start),
            "titles": [{"language": "und", "title": package.title}],
        }
        if package.artist:
            chapter["metadata"] = [{"key": "artist", "value": package.artist, "language": "und"}]
        if package.pictures:
            chapter["images"] = [
                {
                    "image-category": "cover",
                    "pixel-width": one.width,
                    "pixel-height": one.height,
                    "url": media_base(package) + one.file,
                }
                for one in package.pictures
            ]
        yield chapter

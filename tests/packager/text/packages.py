"""A package with lyrics in two languages, plain text, a cover and a download."""

from __future__ import annotations

from dataclasses import replace

from packager.model import Download, Package, Picture, Rendition
from packager.text.lyrics import Line, Lyrics
from packager.text.track import make
from tests.packager.packages import package

SYNCED = (Line("one", 1_000, 3_000), Line("two", 6_000))


def with_companions(*renditions: Rendition) -> Package:
    """A package around renditions, with everything that can lie beside the music."""
    made = [
        make(Lyrics(SYNCED, language, is_synced=True), renditions[0])
        for language in ("en", "zh-Hant", None)
    ]
    made.append(make(Lyrics((Line("eins"),), "de", is_synced=False), renditions[0]))
    return replace(
        package(*renditions),
        lyrics=tuple(one.track for one in made if one),
        pictures=(
            Picture(96, 96, 3_000, "a" * 64),
            Picture(640, 480, 90_000, "b" * 64),
        ),
        downloads=(
            Download("standard", "mp3", 128_000, 160_000, "c" * 64),
            Download("premium", "m4a", 256_000, 320_000, "d" * 64, bytes(range(16))),
        ),
    )

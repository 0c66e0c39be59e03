"""Finding a codec's own box in a sample entry."""

from __future__ import annotations

from typing import TypeVar

from packager.boxes.base import Box
from packager.boxes.entries import AudioSampleEntry
from packager.errors import MalformedMedia

B = TypeVar("B", bound=Box)


def config_box(entry: AudioSampleEntry, cls: type[B]) -> B:
    """The box of that class in the entry; MalformedMedia where it is missing."""
    for child in entry.children:
        if isinstance(child, cls):
            return child
    kind = entry.kind.decode("latin-1")
    raise MalformedMedia(f"has no {cls.four_cc.decode('latin-1')}", path=f"stsd/{kind}")

"""Gapless data as iTunes writes it: `iTunSMPB`, a text of hexadecimal fields.

" 00000000 00000840 000001C0 0000000000046E00 ...": nothing, delay, padding, samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packager.boxes.base import Box, Container, UnknownBox, read_boxes
from packager.bytestream import ByteReader
from packager.errors import MalformedMedia
from packager.model import Trim

_FIELDS = re.compile(rb"\s*[0-9A-Fa-f]{8} ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{16})\b")


@dataclass(frozen=True, slots=True)
class Gapless:
    """What an encoder says about the ends of a track, in samples."""

    delay: int
    padding: int
    samples: int

    def trim(self, decoded: int, scale: int = 1) -> Trim | None:
        """The same in ticks, `scale` for each sample; None where it does not add up."""
        found = Trim(self.delay * scale, self.samples * scale, self.padding * scale)
        total = found.delay + found.samples + found.padding
        return found if total == decoded and found.samples else None


def parse_smpb(text: bytes) -> Gapless | None:
    """The fields of an `iTunSMPB`; None for anything else."""
    if match := _FIELDS.match(text):
        delay, padding, samples = (int(field, 16) for field in match.groups())
        return Gapless(delay, padding, samples)
    return None


def find_smpb(movie: Container) -> Gapless | None:
    """The comment in a movie's metadata, if it has one.

    |moov|
    |    |udta|
    |    |    |meta|
    |    |    |    |ilst|
    |    |    |    |    |----|
    |    |    |    |    |    |mean| |name| |data|
    """
    for user_data in movie.all(b"udta"):
        for item in _below(_below(user_data.children, b"meta", skip=4), b"ilst"):
            inner = _children(item)
            name, data = _body(inner, b"name"), _body(inner, b"data")
            if item.code == b"----" and name[4:] == b"iTunSMPB":
                return parse_smpb(data[8:])  # after type and locale
    return None


def _below(boxes: tuple[Box, ...], code: bytes, skip: int = 0) -> tuple[Box, ...]:
    """The boxes in the first one of that type."""
    return next((_children(box, skip) for box in boxes if box.code == code), ())


def _children(box: Box, skip: int = 0) -> tuple[Box, ...]:
    if not isinstance(box, UnknownBox):
        return ()
    try:
        return tuple(read_boxes(ByteReader(box.body[skip:])))
    except MalformedMedia:
        return ()  # metadata is nothing that the audio depends on


def _body(boxes: tuple[Box, ...], code: bytes) -> bytes:
    return next(
        (box.body for box in boxes if isinstance(box, UnknownBox) and box.kind == code), b""
    )

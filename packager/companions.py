"""What lies beside the music in a package index: lyrics, pictures, downloads; as JSON, and back.

Each key is written only where there is something in it: indexes without them stay as they were.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict

from packager.model import ByteSpan, Download, Package, Picture, Segment, TextKind, TextTrack


class Companions(TypedDict):
    """The fields of a `Package` that are read here."""

    lyrics: tuple[TextTrack, ...]
    pictures: tuple[Picture, ...]
    downloads: tuple[Download, ...]


def encode(package: Package) -> dict[str, Any]:
    """The index's keys for them."""
    lists: dict[str, list[Any]] = {
        "lyrics": [_text(one) for one in package.lyrics],
        "pictures": [asdict(one) for one in package.pictures],
        "downloads": [_download(one) for one in package.downloads],
        # Beside them: readers of before take nothing more in a download.
        "download_digests": [b64encode(one.digests).decode() for one in package.downloads],
    }
    return {name: values for name, values in lists.items() if any(values)}


def decode(document: Mapping[str, Any]) -> Companions:
    """Read what `encode` wrote; KeyError, TypeError or ValueError for anything else."""
    return {
        "lyrics": tuple(_read_text(one) for one in document.get("lyrics", ())),
        "pictures": tuple(Picture(**one) for one in document.get("pictures", ())),
        "downloads": _read_downloads(document),
    }


def _download(one: Download) -> dict[str, Any]:
    fields = asdict(one)
    del fields["digests"]
    return fields


def _read_downloads(document: Mapping[str, Any]) -> tuple[Download, ...]:
    downloads = document.get("downloads", ())
    taken = document.get("download_digests") or [""] * len(downloads)
    return tuple(
        Download(**one, digests=b64decode(digests, validate=True))
        for one, digests in zip(downloads, taken, strict=True)
    )


def _text(one: TextTrack) -> dict[str, Any]:
    return {
        "language": one.language,
        "kind": one.kind.value,
        "size": one.size,
        "sha256": one.sha256,
        "segments": [[segment.span.size, segment.duration] for segment in one.segments],
    }


def _read_text(data: Mapping[str, Any]) -> TextTrack:
    segments = []
    offset = start = 0
    for size, duration in data["segments"]:
        segments.append(Segment(ByteSpan(offset, offset + size), start, duration))
        offset += size
        start += duration
    return TextTrack(
        language=data["language"],
        kind=TextKind(data["kind"]),
        size=data["size"],
        sha256=data["sha256"],
        segments=tuple(segments),
    )

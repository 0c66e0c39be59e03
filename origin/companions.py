"""What an origin serves of a revision beside its track files: lyrics, pictures, plain downloads.

All of it is clear, so a takedown binds for each request, as it does for manifests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from origin.packages import Layout
from packager import digests, pictures
from packager.model import ByteSpan, Download, Package, TextKind, TextTrack
from packager.text.segments import EMPTY
from storage.naming import cover_object, track_object

_TEXT_TYPES = {
    TextKind.SYNCED: "text/vtt; charset=utf-8",
    TextKind.PLAIN: "text/plain; charset=utf-8",
}
_DOWNLOAD_TYPES = {"m4a": "audio/mp4", "mp3": "audio/mpeg"}


@dataclass(frozen=True, slots=True)
class Companion:
    """One file, as it is stored or made."""

    object_key: str
    size: int  # bytes
    etag: str  # strong, quotes included
    content_type: str
    layout: Layout
    tier: str | None = None  # whose right it takes; None: any listener's of the track
    body: bytes | None = None  # where it is made here


def companion(package: Package, file: str) -> Companion | None:
    """The companion of that file name, if the package has it."""
    if (made := _made(package, file)) is not None:
        return made
    for text in package.lyrics:
        if file == text.file:
            return _stored(package, file, text.size, text.sha256, _TEXT_TYPES[text.kind])
        if file == text.segment_file and text.segments:
            return _segments(package, text)
    for picture in package.pictures:
        if file == picture.file:
            key = cover_object(picture.sha256, picture.ending)
            kind = pictures.TYPES[picture.ending]
            return _of_one_piece(key, picture.size, picture.sha256, kind)
    for download in package.downloads:
        if file == download.file:
            return _download(package, download)
    return None


def _of_one_piece(key: str, size: int, sha256: str, content_type: str) -> Companion:
    return Companion(key, size, f'"{sha256[:32]}"', content_type, Layout.single(size, sha256))


def _stored(package: Package, file: str, size: int, sha256: str, content_type: str) -> Companion:
    key = track_object(package.track_id, package.revision, file)
    return _of_one_piece(key, size, sha256, content_type)


def _segments(package: Package, text: TextTrack) -> Companion:
    """The segments end to end, each asked for by its range."""
    spans = tuple(segment.span for segment in text.segments)
    return Companion(
        track_object(package.track_id, package.revision, text.segment_file),
        spans[-1].end,
        f'"{text.sha256[:32]}-segments"',  # they follow from the whole
        _TEXT_TYPES[text.kind],
        Layout(spans),
    )


def _download(package: Package, one: Download) -> Companion:
    starts = range(0, one.size, digests.PLAIN_PART)
    is_known = len(one.digests) == digests.SIZE * len(starts)
    return Companion(
        track_object(package.track_id, package.revision, one.file),
        one.size,
        f'"{one.sha256[:32]}"',
        _DOWNLOAD_TYPES[one.ending],
        Layout(
            tuple(ByteSpan(at, min(at + digests.PLAIN_PART, one.size)) for at in starts),
            one.digests if is_known else b"",
            one.sha256,
        ),
        tier=one.tier,
    )


def _made(package: Package, file: str) -> Companion | None:
    """What is not stored, but rendered here."""
    if file == pictures.DOCUMENT and package.pictures:
        body, content_type = pictures.document(package).encode(), "application/json"
    elif file == TextTrack.EMPTY_FILE:  # in manifests of a release, for what this track lacks
        body, content_type = EMPTY, _TEXT_TYPES[TextKind.SYNCED]
    else:
        return None
    return Companion(
        # Not an object of the store: the name under which its bytes lie in the piece cache.
        f"{package.track_id}/{package.revision}/{file}",
        len(body),
        f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        content_type,
        Layout((ByteSpan(0, len(body)),)),
        body=body,
    )

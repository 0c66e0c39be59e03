"""What a static manifest refers to: files, and ranges of bytes in them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from packager.check.playlist import byte_range, read_playlist
from packager.check.presentation import read_presentation
from packager.check.source import Unreadable, resolve
from packager.model import ByteSpan

_HOME = "http://storage/"  # any: addresses are made with it and taken apart again


class BadManifest(Exception):
    """It cannot be read as what it is called."""


def references(key: str, data: bytes) -> Iterator[tuple[str, ByteSpan | None]]:
    """Object keys that the manifest under `key` names, each with the range that it asks for.

    None: the whole file. BadManifest where it makes no sense; addresses elsewhere are left out.
    """
    address = _HOME + key
    try:
        if key.endswith(".m3u8"):
            found = list(_of_playlist(address, data))
        else:
            found = list(_of_presentation(address, data))
    except (ValueError, Unreadable) as exc:
        raise BadManifest(str(exc)) from exc
    for target, span in found:
        if target.startswith(_HOME):
            yield unquote(urlsplit(target).path[1:]), span


def _of_playlist(address: str, data: bytes) -> Iterator[tuple[str, ByteSpan | None]]:
    if not data.startswith(b"#EXTM3U"):
        raise BadManifest("it does not begin with #EXTM3U")
    playlist = read_playlist(address, data)
    if playlist.is_multivariant:
        named = [uri.value for _, uri in playlist.variants()]
        named += [tag.attributes["URI"] for tag in playlist.all("EXT-X-MEDIA") if _uri(tag.value)]
        for uri in named:
            yield resolve(address, uri), None
        return
    for segment in playlist.segments:
        if segment.header is not None:
            attributes = segment.header.attributes
            span = byte_range(attributes.get("BYTERANGE", ""))
            yield resolve(address, attributes.get("URI", "")), span
        yield resolve(address, segment.uri.value), segment.span


def _uri(attributes: str) -> bool:
    return "URI=" in attributes


def _of_presentation(address: str, data: bytes) -> Iterator[tuple[str, ByteSpan | None]]:
    for _, representations in read_presentation(address, data).sets:
        for one in representations:
            yield one.base, one.index
            if one.header is not None:
                yield one.header
            for piece in one.pieces or ():
                yield piece.address, piece.span

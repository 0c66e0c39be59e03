"""The static manifests of a package: what a plain bucket plays by."""

from __future__ import annotations

from collections.abc import Iterator

from packager.dash.render import mpd
from packager.hls.render import HlsForm, media, multivariant, playable
from packager.hls.text import text_media
from packager.model import Package, TextKind
from packager.systems import KeySystems
from pipeline.companions import stored_picture_url
from pipeline.layout import DASH_FILE, HLS_AES128_FILE, HLS_FILE


def static_manifests(package: Package, systems: KeySystems) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of each."""
    for one in package.files():
        playlist = media(one, HlsForm.IDENTITY, systems=systems)
        yield f"{one.name}.m3u8", playlist.encode()
    for text in package.lyrics:
        if text.kind is TextKind.SYNCED:
            yield f"{text.name}.m3u8", text_media(text).encode()
    yield HLS_FILE, multivariant(package, HlsForm.IDENTITY, systems=systems).encode()
    if playable(package, HlsForm.AES_128):
        yield HLS_AES128_FILE, multivariant(package, HlsForm.AES_128, systems=systems).encode()
    yield DASH_FILE, mpd(package, systems=systems, picture_url=stored_picture_url).encode()

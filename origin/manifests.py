"""Paths of manifests to their text: which renderer, and where media and keys lie from there."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.records import ReleaseRecord
from origin.paths import Form, Manifest, ReleaseManifest
from origin.problems import Missing
from packager import chapters
from packager.dash import render as dash
from packager.hls import release as hls_release
from packager.hls import render as hls
from packager.hls.text import text_media
from packager.model import Package, Rendition
from packager.release import in_common
from packager.systems import KeySystems

# A manifest's own URL is {revision}/{access}/{form}/..., its media are in {revision}/.
_MEDIA_BASE = "../../"
_KEY_BASE = "../../keys/"
# A release's is releases/{release}/{edition}/{access}/{form}/..., under the same token.
_ROOT = "../../../../../"


def track_text(path: Manifest, package: Package, systems: KeySystems) -> str:
    """The manifest of a track; `package` holds what the path's tiers allow."""
    if not package.renditions:
        raise Missing("rendition-not-found", "The package has nothing in these tiers.")
    if path.form is Form.DASH:
        return dash.mpd(
            package,
            media_base=_MEDIA_BASE,
            addressing=path.addressing,
            systems=systems,
            picture_url=lambda one: _MEDIA_BASE + one.file,
        )
    form = hls.HlsForm(path.form.value)
    playable = hls.playable(package, form)
    if path.rendition is None:
        _require(playable)
        return hls.multivariant(
            package, form, key_base=_KEY_BASE, systems=systems, media_base=_MEDIA_BASE
        )
    for text in package.lyrics:
        if text.name == path.rendition and text.segments:
            return text_media(text, media_base=_MEDIA_BASE)
    return hls.media(
        _named(playable, path.rendition),
        form,
        media_base=_MEDIA_BASE,
        key_base=_KEY_BASE,
        addressing=path.addressing,
        systems=systems,
    )


def release_text(
    path: ReleaseManifest, release: ReleaseRecord, packages: Sequence[Package], systems: KeySystems
) -> str:
    """The manifest of a release, of what its tracks have in common."""
    shared = in_common(packages)
    if not shared[0].renditions:
        raise Missing("rendition-not-found", "The tracks have nothing in common in these tiers.")
    if path.is_chapters:
        return chapters.document(shared, _track_base)
    if path.form is Form.DASH:
        return dash.release_mpd(
            shared,
            title=release.title,
            artist=release.artist,
            media_base=_track_base,
            addressing=path.addressing,
            systems=systems,
        )
    form = hls.HlsForm(path.form.value)
    playable = hls.playable(shared[0], form)
    if path.rendition is None:
        _require(playable)
        return hls_release.release_multivariant(
            shared, form, title=release.title, artist=release.artist
        )
    text = hls_release.release_text(shared, path.rendition, media_base=_track_base)
    if text is not None:
        return text
    return hls_release.release_media(
        shared,
        _named(playable, path.rendition).name,
        form,
        media_base=_track_base,
        key_base=lambda package: f"{_track_base(package)}keys/",
        addressing=path.addressing,
        systems=systems,
    )


def _track_base(package: Package) -> str:
    return f"{_ROOT}tracks/{package.track_id}/{package.revision}/"


def _require(playable: Sequence[Rendition]) -> None:
    if not playable:
        raise Missing("form-not-found", "The package has nothing in this form.")


def _named(playable: Sequence[Rendition], name: str) -> Rendition:
    _require(playable)
    for one in playable:
        if one.name == name:
            return one
    raise Missing("rendition-not-found", "The package has no such rendition in these tiers.")

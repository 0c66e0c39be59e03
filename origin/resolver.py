"""What a media path names: the representation behind it, if the grant covers it."""

from __future__ import annotations

import hashlib

from drm.tiers import Tiers
from origin import headers
from origin.auth import COVERS_SCOPE, Grant, track_scope
from origin.cache import Cache
from origin.delivery import Needs, Representation
from origin.packages import Availability, Layout, Packages
from origin.paths import (
    Cover,
    Form,
    InitSegment,
    Manifest,
    Media,
    MediaSegment,
    TrackFile,
)
from origin.problems import Missing
from packager.dash import render as dash
from packager.hls import render as hls
from packager.model import ByteSpan, Package, Rendition
from packager.systems import KeySystems
from storage.base import ObjectStore
from storage.naming import cover_object, track_object

_AUDIO = "audio/mp4"
_CONTENT_TYPES = {
    Form.HLS: "application/vnd.apple.mpegurl",
    Form.HLS_IDENTITY: "application/vnd.apple.mpegurl",
    Form.HLS_AES128: "application/vnd.apple.mpegurl",
    Form.DASH: "application/dash+xml",
}
_COVER_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
# A manifest's own URL is {revision}/{access}/{form}/..., its media are in {revision}/.
_MEDIA_BASE = "../../"
_KEY_BASE = "../../keys/"


class Resolver:
    """Turns paths into representations. Holds what is parsed and rendered once per revision."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        tiers: Tiers,
        packages: Packages,
        availability: Availability,
        systems: KeySystems,
        limit_bytes: int,
    ) -> None:
        self._store = store
        self._tiers = tiers
        self._packages = packages
        self._availability = availability
        self._systems = systems
        self._manifests: Cache[Manifest, Representation] = Cache(limit_bytes)

    async def resolve(self, path: Media | Manifest | Cover, grant: Grant) -> Representation:
        """The representation. Denied without the right to it, Missing where there is none."""
        match path:
            case Cover():
                return await self._cover(path, grant)
            case Manifest():
                return await self._manifest(path, grant)
            case _:
                return await self._media(path, grant)

    async def _media(self, path: Media, grant: Grant) -> Representation:
        scope = track_scope(path.track_id)
        grant.require(scope, frozenset())
        loaded = await self._packages.get(path.track_id, path.revision)
        rendition = loaded.rendition(path.rendition)
        needs = Needs(scope, frozenset({rendition.tier}))
        grant.require(needs.scope, needs.tiers)
        span, name = _part(path, rendition)
        return Representation(
            needs=needs,
            object_key=track_object(path.track_id, path.revision, rendition.file),
            span=span,
            layout=loaded.layouts[rendition.name],
            etag=f'"{rendition.sha256[:32]}{name}"',
            content_type=_AUDIO,
            cache_control=headers.IMMUTABLE,
        )

    async def _manifest(self, path: Manifest, grant: Grant) -> Representation:
        tiers = self._tiers.parse_access(path.access)
        if tiers is None:
            raise Missing("access-not-found", "There is no such set of tiers.")
        needs = Needs(track_scope(path.track_id), frozenset(tiers), path.track_id)
        grant.require(needs.scope, needs.tiers)
        await self._availability.require(path.track_id)
        manifest = self._manifests.get(path)
        if manifest is None:
            loaded = await self._packages.get(path.track_id, path.revision)
            manifest = _render(path, loaded.package.only(tiers), needs, self._systems)
            self._manifests.put(path, manifest, manifest.size)
        return manifest

    async def _cover(self, path: Cover, grant: Grant) -> Representation:
        needs = Needs(COVERS_SCOPE, frozenset())
        grant.require(needs.scope, needs.tiers)
        key = cover_object(path.sha256, path.extension)
        span = ByteSpan(0, (await self._store.head(key)).size)
        return Representation(
            needs=needs,
            object_key=key,
            span=span,
            layout=Layout((span,)),
            etag=f'"{path.sha256[:32]}"',
            content_type=_COVER_TYPES[path.extension],
            cache_control=headers.IMMUTABLE,
        )


def _part(path: Media, rendition: Rendition) -> tuple[ByteSpan, str]:
    """The bytes of the track file that a path means, and what its entity tag adds to the file's."""
    match path:
        case TrackFile():
            return ByteSpan(0, rendition.size), ""
        case InitSegment():
            return rendition.init, "-init"
        case MediaSegment(number=number):
            if number > len(rendition.segments):
                raise Missing("segment-not-found", "The rendition has no such segment.")
            return rendition.segments[number - 1].span, f"-{number}"


def _render(path: Manifest, package: Package, needs: Needs, systems: KeySystems) -> Representation:
    """The manifest as text; `package` holds what the path's tiers allow."""
    if not package.renditions:
        raise Missing("rendition-not-found", "The package has nothing in these tiers.")
    body = _text(path, package, systems).encode()
    span = ByteSpan(0, len(body))
    return Representation(
        needs=needs,
        # Not an object of the store: the name under which its bytes lie in the piece cache.
        object_key="/".join(
            (
                *(path.track_id, path.revision, path.access, path.form),
                *(path.addressing.value, path.rendition or ""),
            )
        ),
        span=span,
        layout=Layout((span,)),
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        content_type=_CONTENT_TYPES[path.form],
        cache_control=headers.BRIEF,
        body=body,
    )


def _text(path: Manifest, package: Package, systems: KeySystems) -> str:
    if path.form is Form.DASH:
        return dash.mpd(
            package, media_base=_MEDIA_BASE, addressing=path.addressing, systems=systems
        )
    form = hls.HlsForm(path.form.value)
    playable = hls.playable(package, form)
    if not playable:
        raise Missing("form-not-found", "The package has nothing in this form.")
    if path.rendition is None:
        return hls.multivariant(package, form, key_base=_KEY_BASE, systems=systems)
    rendition = next((one for one in playable if one.name == path.rendition), None)
    if rendition is None:
        raise Missing("rendition-not-found", "The package has no such rendition in these tiers.")
    return hls.media(
        rendition,
        form,
        media_base=_MEDIA_BASE,
        key_base=_KEY_BASE,
        addressing=path.addressing,
        systems=systems,
    )

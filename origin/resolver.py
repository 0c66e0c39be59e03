"""What a media path names: the representation behind it, if the grant covers it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from aiohttp import hdrs, web

from drm.policy import release_scope, track_scope
from drm.tiers import Tiers
from origin import headers
from origin.auth import COVERS_SCOPE, Grant
from origin.cache import Cache
from origin.companions import companion
from origin.delivery import Needs, Representation
from origin.entitlement import Entitlements
from origin.manifests import release_text, track_text
from origin.packages import Availability, Layout, Packages, release_loudness
from origin.paths import (
    CompanionFile,
    Cover,
    Form,
    InitSegment,
    Manifest,
    Media,
    MediaSegment,
    ReleaseManifest,
    TrackFile,
)
from origin.problems import Missing, OriginError
from packager.model import ByteSpan, Rendition
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
_CHANGED = "The release has changed: ask for it again."
_FOR_THEM: dict[str, str] = {hdrs.CACHE_CONTROL: headers.NO_STORE}  # others have that edition


class Resolver:
    """Turns paths into representations. Holds what is parsed and rendered once per revision."""

    def __init__(
        self,
        *,
        store: ObjectStore,
        tiers: Tiers,
        packages: Packages,
        availability: Availability,
        entitlements: Entitlements,
        systems: KeySystems,
        downloads: bool,
        limit_bytes: int,
    ) -> None:
        self._store = store
        self._tiers = tiers
        self._packages = packages
        self._availability = availability
        self._entitlements = entitlements
        self._systems = systems
        self._downloads = downloads
        self.manifests: Cache[Manifest | ReleaseManifest, Representation] = Cache(limit_bytes)

    async def resolve(
        self,
        request: web.BaseRequest,
        path: Media | Manifest | ReleaseManifest | CompanionFile | Cover,
        grant: Grant,
    ) -> Representation:
        """The representation. Denied without the right to it, Missing where there is none."""
        match path:
            case Cover():
                return await self._cover(path, grant)
            case Manifest():
                return await self._manifest(request, path, grant)
            case ReleaseManifest():
                return await self._release_manifest(request, path, grant)
            case CompanionFile():
                return await self._companion(request, path, grant)
            case _:
                return await self._media(path, grant)

    async def _media(self, path: Media, grant: Grant) -> Representation:
        await self._availability.require_covered(path.track_id, grant)
        loaded = await self._packages.get(path.track_id, path.revision)
        rendition = loaded.rendition(path.rendition)
        tiers = frozenset({rendition.tier})
        needs = Needs(track_scope(path.track_id), tiers, part=path.track_id)
        grant.require_tiers(tiers)
        span, name = _part(path, rendition)
        return Representation(
            needs=needs,
            object_key=track_object(path.track_id, path.revision, rendition.file),
            span=span,
            layout=loaded.layouts[rendition.name],
            etag=f'"{rendition.sha256[:32]}{name}"',
            content_type=_AUDIO,
            caching=headers.IMMUTABLE,
            tags=(path.track_id,),  # its release's are not looked up: a purge names its tracks
        )

    async def _manifest(
        self, request: web.BaseRequest, path: Manifest, grant: Grant
    ) -> Representation:
        tiers = self._access(path)
        scope = track_scope(path.track_id)
        grant.require(scope, tiers)  # a release's token opens its own manifests only
        await self._entitlements.require(request, grant, path.track_id, tiers)
        album = await self._availability.album_loudness(path.track_id)
        manifest = self.manifests.get(path)
        if manifest is None or manifest.needs.album != album:
            loaded = await self._packages.get(path.track_id, path.revision)
            package = replace(loaded.package.only(tiers), album_loudness=album)
            needs = Needs(scope, tiers, path.track_id, says_album=True, album=album)
            text = track_text(path, package, self._systems)
            release_id = (await self._availability.rights(path.track_id)).release_id
            tags = (path.track_id,) if release_id is None else (path.track_id, release_id)
            manifest = _rendered(path, text, needs, tags)
            self.manifests.put(path, manifest, manifest.size)
        return manifest

    async def _release_manifest(
        self, request: web.BaseRequest, path: ReleaseManifest, grant: Grant
    ) -> Representation:
        tiers = self._access(path)
        needs = Needs(release_scope(path.release_id), tiers)
        grant.require(needs.scope, needs.tiers)
        edition, _ = await self._entitlements.edition(request, grant, path.release_id, tiers)
        if edition.name != path.edition:
            raise OriginError(404, "edition-not-found", _CHANGED, headers=_FOR_THEM)
        manifest = self.manifests.get(path)
        if manifest is None:
            loaded = [await self._packages.get(*revision) for revision in edition.revisions]
            album = release_loudness(edition.release)
            packages = [replace(one.package.only(tiers), album_loudness=album) for one in loaded]
            text = release_text(path, edition.release, packages, self._systems)
            manifest = _rendered(path, text, needs, (path.release_id,))
            self.manifests.put(path, manifest, manifest.size)
        return manifest

    def _access(self, path: Manifest | ReleaseManifest) -> frozenset[str]:
        """The tiers that a manifest is filtered to."""
        tiers = self._tiers.parse_access(path.access)
        if tiers is None:
            raise Missing("access-not-found", "There is no such set of tiers.")
        return frozenset(tiers)

    async def _companion(
        self, request: web.BaseRequest, path: CompanionFile, grant: Grant
    ) -> Representation:
        await self._entitlements.require(request, grant, path.track_id, grant.tiers)
        loaded = await self._packages.get(path.track_id, path.revision)
        one = companion(loaded.package, path.file)
        if one is None or (one.tier is not None and not self._downloads):
            raise Missing("file-not-found", "The package has no such file.")
        tiers = frozenset({one.tier} if one.tier else ())
        grant.require_tiers(tiers)
        if tiers:
            await self._entitlements.require(request, grant, path.track_id, tiers, kept=True)
        scope = track_scope(path.track_id)
        return Representation(
            needs=Needs(scope, tiers, path.track_id, part=path.track_id, kept=bool(tiers)),
            object_key=one.object_key,
            span=ByteSpan(0, one.size),
            layout=one.layout,
            etag=one.etag,
            content_type=one.content_type,
            caching=headers.IMMUTABLE,
            tags=(path.track_id,),
            body=one.body,
        )

    async def _cover(self, path: Cover, grant: Grant) -> Representation:
        needs = Needs(COVERS_SCOPE, frozenset())
        grant.require(needs.scope, needs.tiers)
        key = cover_object(path.sha256, path.extension)
        span = ByteSpan(0, (await self._store.head(key)).size)
        return Representation(
            needs=needs,
            object_key=key,
            span=span,
            layout=Layout.single(span.size, path.sha256),
            etag=f'"{path.sha256[:32]}"',
            content_type=_COVER_TYPES[path.extension],
            caching=headers.IMMUTABLE,
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


def _content_type(path: Manifest | ReleaseManifest) -> str:
    if isinstance(path, ReleaseManifest) and path.is_chapters:
        return "application/json"
    return _CONTENT_TYPES[path.form]


def _rendered(
    path: Manifest | ReleaseManifest, text: str, needs: Needs, tags: tuple[str, ...]
) -> Representation:
    body = text.encode()
    span = ByteSpan(0, len(body))
    digest = hashlib.sha256(body).hexdigest()[:32]
    return Representation(
        needs=needs,
        # Not an object of the store: the name under which its bytes lie in the piece cache.
        object_key=digest,
        span=span,
        layout=Layout((span,)),
        etag=f'"{digest}"',
        content_type=_content_type(path),
        caching=headers.BRIEF,
        tags=tags,
        body=body,
    )

"""`POST /api/v1/playback/{track_id}`: where a player finds a track, for whoever asks.

Every call makes a new token: that is how a player renews its rights, and the stream it is counted
as, in the middle of a track.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

from aiohttp import web

from catalog.records import TrackRecord
from drm.errors import Denied
from drm.model import PlaybackToken, Stream
from drm.playback_urls import (
    FAIRPLAY_CERTIFICATE_PATH,
    REPORTS_PATH,
    PlaybackUrls,
    files_url,
    license_urls,
    playback_urls,
    release_urls,
)
from drm.policy import release_scope, track_scope
from drm.terms import account_of
from origin.api.catalog_models import OfRelease, OfTrack
from origin.api.endpoint import Answer, Call, Endpoint
from origin.api.fields import NoBody
from origin.api.playback_models import (
    CoverLink,
    DownloadLink,
    Gapless,
    LoudnessInfo,
    LyricsLink,
    OfSession,
    Playback,
    ReleasePlayback,
    RenditionInfo,
    SessionBody,
    TrackOfRelease,
)
from origin.bodies import no_store
from origin.packages import available_track, release_loudness
from origin.sessions import Asking, asking, playback_token
from origin.state import OriginState
from packager.hls.render import HlsForm, playable
from packager.model import Loudness, Package, Rendition, TextKind
from packager.release import in_common, starts_s


async def post_playback(call: Call[OfTrack, SessionBody]) -> Playback:
    """Everything that the listener's subscription opens."""
    scope = track_scope(call.params.track_id)
    who = asking(call.request, call.state, call.caller, scope, call.body.session)
    return await way_to_track(call.request, call.state, who, call.params.track_id)


async def way_to_track(
    request: web.Request, state: OriginState, who: Asking, track_id: str
) -> Playback:
    """Decide, fetch, answer."""
    deps = state.deps
    track = await available_track(deps.catalog, track_id)
    revision = track.current_revision or ""  # an available track has one
    package = (await state.packages.get(track_id, revision)).package.only(who.tiers)
    tiers = frozenset(one.tier for one in package.renditions)
    granted = await state.entitlements.require(request, who.grant, track_id, tiers)
    # The catalog's, not the package's: it is of all tracks that have come since.
    album = await state.availability.album_loudness(track_id)
    token = playback_token(state, who, granted.until)
    text = deps.playback_tokens.issue(token)
    if state.shared.songs.is_new((who.stream, track_id)):  # not the same one, renewed
        state.meters.songs.up()
    _count(state, who, track_id)
    base = state.base_url.of(request)
    urls = playback_urls(base, text, track_id, revision, deps.tiers.access(who.tiers))
    return Playback(
        **_describe(track, replace(package, album_loudness=album)),
        **_way(urls, token, text, package),
        **_licenses(state, base, text),
        **_session(state, who),
        **_companions(
            package,
            files_url(base, text, track_id, revision),
            downloads=deps.downloads,
        ),
    )


async def post_release(call: Call[OfRelease, SessionBody]) -> ReleasePlayback:
    """The same for a release as one piece: its tracks in order, with what they have in common."""
    request, state, deps = call.request, call.state, call.state.deps
    release_id = call.params.release_id
    who = asking(request, state, call.caller, release_scope(release_id), call.body.session)
    edition, granted = await state.entitlements.edition(
        request, who.grant, release_id, who.grant.tiers
    )
    loaded = [(await state.packages.get(*one)).package.only(who.tiers) for one in edition.revisions]
    album = release_loudness(edition.release)
    packages = [replace(one, album_loudness=album) for one in in_common(loaded)]
    if not packages[0].renditions:
        raise Denied("tier-not-open", "The subscription opens no rendition of every track.")
    token = playback_token(state, who, granted.until)
    text = deps.playback_tokens.issue(token)
    base = state.base_url.of(request)
    urls = release_urls(base, text, release_id, edition.name, deps.tiers.access(who.tiers))
    starts = starts_s(packages)
    if state.shared.songs.is_new((who.stream, release_id)):
        state.meters.songs.up(by=len(packages))
    _count(state, who, *(one.track_id for one in edition.tracks))
    tracks = tuple(
        TrackOfRelease(
            **_describe(track, package)
            | {"duration_s": float(end - start)}
            | _companions(
                package,
                files_url(base, text, package.track_id, package.revision),
                downloads=deps.downloads,
            ),
            start_s=float(start),
        )
        for track, package, (start, end) in zip(
            edition.tracks, packages, pairwise(starts), strict=True
        )
    )
    return ReleasePlayback(
        release_id=release_id,
        edition=edition.name,
        title=edition.release.title,
        artist=edition.release.artist,
        duration_s=float(starts[-1]),
        renditions=tracks[0].renditions,
        tracks=tracks,
        **_way(urls, token, text, packages[0]),
        **_licenses(state, base, text),
        **_session(state, who),
    )


async def delete_session(call: Call[OfSession, NoBody]) -> web.Response:
    """A player stops: the place of its stream is free at once."""
    stream = Stream(account_of(call.caller.subject), call.params.session)
    await call.state.streams.end(stream)
    return web.Response(status=204, headers=no_store())


def _count(state: OriginState, who: Asking, *track_ids: str) -> None:
    """Count plays, of each account one in an hour: nobody makes a track popular alone."""
    seen = state.shared.played
    state.plays.note(*(one for one in track_ids if seen.is_new((who.stream.account, one))))


def _session(state: OriginState, who: Asking) -> dict[str, Any]:
    """What the stream is called, and how soon to ask again; null where streams are not counted."""
    within_s = state.deps.stream_ttl_s if who.is_counted else None
    return {"session": who.stream.session, "renew_within_s": within_s}


def _way(urls: PlaybackUrls, token: PlaybackToken, text: str, package: Package) -> dict[str, Any]:
    """Where the manifests and the license are, and until when."""
    return {
        "tiers": token.tiers,
        "hls": urls.hls,
        "hls_identity": urls.hls_identity,
        "hls_aes128": urls.hls_aes128 if playable(package, HlsForm.AES_128) else None,
        "dash": urls.dash,
        "license": urls.license,
        "token": text,
        "expires_at": token.expires_at.isoformat().replace("+00:00", "Z"),
    }


def _licenses(state: OriginState, base: str, token: str) -> dict[str, Any]:
    """Where each key system that is served has its licenses, and what FairPlay wants beside it."""
    servers = state.deps.licenses
    certificate = servers.fairplay_certificate is not None
    return {
        "licenses": license_urls(base, token, servers.systems()),
        "fairplay_certificate": base + FAIRPLAY_CERTIFICATE_PATH if certificate else None,
        "reports": f"{base}{REPORTS_PATH}?token={token}",
    }


def _describe(track: TrackRecord, package: Package) -> dict[str, Any]:
    return {
        "track_id": track.track_id,
        "revision": package.revision,
        "title": track.title,
        "artists": track.artists,
        "duration_s": track.duration_s,
        "renditions": [_rendition(one) for one in package.renditions],
        "loudness": _loudness(package.loudness),
        "album_loudness": _loudness(package.album_loudness),
    }


def _companions(package: Package, base: str, *, downloads: bool) -> dict[str, Any]:
    """Lyrics, the cover and plain files of the track, under the same token as its media."""
    return {
        "lyrics": [
            LyricsLink(
                language=one.language,
                synced=one.kind is TextKind.SYNCED,
                url=base + one.file,
            )
            for one in package.lyrics
        ],
        "covers": [
            CoverLink(url=base + one.file, width=one.width, height=one.height)
            for one in package.pictures
        ],
        "downloads": [
            DownloadLink(
                tier=one.tier,
                format=one.ending,
                average_bps=one.average_bps,
                size=one.size,
                url=base + one.file,
            )
            for one in (package.downloads if downloads else ())
        ],
    }


def _loudness(loudness: Loudness | None) -> LoudnessInfo | None:
    return None if loudness is None else LoudnessInfo(**asdict(loudness))


def _rendition(rendition: Rendition) -> RenditionInfo:
    """What a player shows of a rendition, and what it cuts for gapless playback (in samples)."""
    trim = rendition.trim
    return RenditionInfo(
        name=rendition.name,
        tier=rendition.tier,
        codec=rendition.codec.value,
        codecs=rendition.codecs,
        average_bps=rendition.average_bps,
        sample_rate_hz=rendition.sample_rate_hz,
        channels=rendition.channels,
        bit_depth=rendition.bit_depth,
        kid=None if rendition.kid is None else rendition.kid.hex,
        gapless=Gapless(
            timescale=rendition.timescale,
            delay=trim.delay,
            samples=trim.samples,
            padding=trim.padding,
        ),
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/v1/playback/{track_id}",
        post_playback,
        "The way to a track: manifests, licenses and the token that opens them.",
        (Answer(Playback, "Where it is, for as long as the token is good."),),
        OfTrack,
        body=SessionBody,
        name="playTrack",
        tag="playback",
    ),
    Endpoint(
        "POST",
        "/api/v1/playback/releases/{release_id}",
        post_release,
        "The way to a release as one piece, without gaps.",
        (Answer(ReleasePlayback, "Where it is, for as long as the token is good."),),
        OfRelease,
        body=SessionBody,
        name="playRelease",
        tag="playback",
    ),
    Endpoint(
        "DELETE",
        "/api/v1/playback/sessions/{session}",
        delete_session,
        "End a stream: its place is free for another one of the account.",
        (Answer(None, "It has ended, or there was none.", status=204),),
        OfSession,
        name="endSession",
        tag="playback",
    ),
)

"""`POST /api/v1/playback/{track_id}`: where a player finds a track, for whoever asks.

Every call makes a new token: that is how a player renews its rights in the middle of a track.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from catalog.records import TrackRecord
from drm.errors import Denied
from drm.model import PlaybackToken
from drm.playback_urls import playback_urls
from origin.auth import listener, track_scope
from origin.bodies import json_answer
from origin.packages import available_track
from origin.state import STATE
from packager.hls.render import HlsForm, playable
from packager.model import Loudness, Package, Rendition


async def post_playback(request: web.Request) -> web.Response:
    """Parse, decide, fetch, respond."""
    state = request.app[STATE]
    deps = state.deps
    caller = listener(request, deps.access_tokens)
    tiers = deps.tiers.opened_by(caller.subscription)
    track = await available_track(deps.catalog, request.match_info["track_id"])
    revision = track.current_revision or ""  # an available track has one
    package = (await state.packages.get(track.track_id, revision)).package.only(tiers)
    if not package.renditions:
        raise Denied("tier-not-open", "The subscription opens no rendition of this track.")
    now = datetime.now(UTC).replace(microsecond=0)
    token = PlaybackToken(
        track_scope(track.track_id), tiers, now + timedelta(seconds=deps.playback_ttl_s)
    )
    text = deps.playback_tokens.issue(token)
    base = state.base_url.of(request)
    urls = playback_urls(base, text, track.track_id, revision, deps.tiers.access(tiers))
    return json_answer(
        _describe(track, package)
        | {
            "tiers": tiers,
            "hls": urls.hls,
            "hls_identity": urls.hls_identity,
            "hls_aes128": urls.hls_aes128 if playable(package, HlsForm.AES_128) else None,
            "dash": urls.dash,
            "license": urls.license,
            "token": text,
            "expires_at": token.expires_at.isoformat().replace("+00:00", "Z"),
        }
    )


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


def _loudness(loudness: Loudness | None) -> dict[str, float | None] | None:
    return None if loudness is None else asdict(loudness)


def _rendition(rendition: Rendition) -> dict[str, Any]:
    """What a player shows of a rendition, and what it cuts for gapless playback (in samples)."""
    trim = rendition.trim
    return {
        "name": rendition.name,
        "tier": rendition.tier,
        "codec": rendition.codec.value,
        "codecs": rendition.codecs,
        "average_bps": rendition.average_bps,
        "sample_rate_hz": rendition.sample_rate_hz,
        "channels": rendition.channels,
        "bit_depth": rendition.bit_depth,
        "kid": None if rendition.kid is None else rendition.kid.hex,
        "gapless": {
            "timescale": rendition.timescale,
            "delay": trim.delay,
            "samples": trim.samples,
            "padding": trim.padding,
        },
    }


def add_routes(app: web.Application) -> None:
    """The playback endpoint."""
    app.router.add_post("/api/v1/playback/{track_id:t[a-z2-7]{20}}", post_playback)

"""`/api/v1/releases` and `/api/v1/tracks`: what may be listened to, for the player page."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from catalog import releases, tracks
from catalog.records import ReleaseRecord, TrackRecord
from drm.model import PlaybackToken
from drm.playback_urls import TOKEN_PREFIX
from origin.auth import COVERS_SCOPE, listener
from origin.bodies import json_answer
from origin.packages import available_track
from origin.problems import Missing, OriginError
from origin.state import STATE, OriginState

_DEFAULT_LIMIT = 50
_LARGEST_LIMIT = 200
_LONGEST_ID = 64  # characters
_COVER_STEP_S = 3600  # cover URLs change once an hour, so that browsers can keep pictures


async def list_releases(request: web.Request) -> web.Response:
    """One page of releases, in the catalog's order."""
    state = await _authenticated(request)
    after, limit = _page(request)
    async with state.deps.catalog.connect() as tx:
        page = await releases.list_page(tx, after=after, limit=limit, now=datetime.now(UTC))
    return json_answer(
        {
            "releases": [_release(request, state, one) for one in page],
            "next": page[-1].release_id if len(page) == limit else None,
        }
    )


async def get_release(request: web.Request) -> web.Response:
    """A release and its available tracks."""
    state = await _authenticated(request)
    release_id = request.match_info["release_id"]
    async with state.deps.catalog.connect() as tx:
        release = await releases.get(tx, release_id)
        listed = await tracks.list_page(
            tx, after=None, limit=_LARGEST_LIMIT, release_id=release_id, now=datetime.now(UTC)
        )
    if not listed:  # nothing of it is out yet: its title is nobody's business
        raise Missing("release-unavailable", "The release is not available.")
    in_order = sorted(listed, key=lambda one: (one.disc, one.number or 0, one.title))
    return json_answer(
        _release(request, state, release)
        | {"track_count": len(listed), "tracks": [_track(one) for one in in_order]}
    )


async def list_tracks(request: web.Request) -> web.Response:
    """One page of available tracks, in the catalog's order."""
    state = await _authenticated(request)
    after, limit = _page(request)
    async with state.deps.catalog.connect() as tx:
        page = await tracks.list_page(
            tx,
            after=after,
            limit=limit,
            release_id=request.query.get("release"),
            now=datetime.now(UTC),
        )
    return json_answer(
        {
            "tracks": [_track(one) for one in page],
            "next": page[-1].track_id if len(page) == limit else None,
        }
    )


async def get_track(request: web.Request) -> web.Response:
    """One available track."""
    state = await _authenticated(request)
    return json_answer(
        _track(await available_track(state.deps.catalog, request.match_info["track_id"]))
    )


async def _authenticated(request: web.Request) -> OriginState:
    state = request.app[STATE]
    await listener(request, state.callers)
    return state


def _page(request: web.Request) -> tuple[str | None, int]:
    """`?after=` (the last id of the page before) and `?limit=`."""
    after = request.query.get("after")
    text = request.query.get("limit", str(_DEFAULT_LIMIT))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= limit <= _LARGEST_LIMIT or (after is not None and len(after) > _LONGEST_ID):
        raise OriginError(400, "bad-page", f"limit is 1 to {_LARGEST_LIMIT}, after is an id.")
    return after, limit


def _release(request: web.Request, state: OriginState, one: ReleaseRecord) -> dict[str, Any]:
    base = _covers_url(request, state)
    return {
        "release_id": one.release_id,
        "title": one.title,
        "artist": one.artist,
        "upc": one.upc,
        "date": one.date,
        "label": one.label,
        "copyright": one.copyright,
        "track_count": one.track_count,
        "cover": None if one.cover_key is None else base + one.cover_key,
        "covers": [
            {"url": base + picture.key, "width": picture.width, "height": picture.height}
            for picture in one.cover_pictures
        ],
    }


def _covers_url(request: web.Request, state: OriginState) -> str:
    """What signed URLs of covers begin with, the same for everybody until the hour is over."""
    expires = (int(time.time()) // _COVER_STEP_S + 2) * _COVER_STEP_S
    token = state.deps.playback_tokens.issue(
        PlaybackToken(COVERS_SCOPE, (), datetime.fromtimestamp(expires, UTC))
    )
    return f"{state.base_url.of(request)}{TOKEN_PREFIX}{token}/"


def _track(one: TrackRecord) -> dict[str, Any]:
    return {
        "track_id": one.track_id,
        "release_id": one.release_id,
        "title": one.title,
        "artists": one.artists,
        "duration_s": one.duration_s,
        "disc": one.disc,
        "number": one.number,
        "isrc": one.isrc,
        "genre": one.genre,
        "date": one.date,
        "copyright": one.copyright,
        "lyrics": one.lyrics,
        "replaygain_track_db": one.replaygain_track_db,
        "replaygain_album_db": one.replaygain_album_db,
    }


def add_routes(app: web.Application) -> None:
    """The catalog's read endpoints."""
    app.router.add_get("/api/v1/releases", list_releases)
    app.router.add_get("/api/v1/releases/{release_id:r[a-z2-7]{20}}", get_release)
    app.router.add_get("/api/v1/tracks", list_tracks)
    app.router.add_get("/api/v1/tracks/{track_id:t[a-z2-7]{20}}", get_track)

"""Signed URLs of cover pictures."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from aiohttp import web

from drm.model import PlaybackToken
from drm.playback_urls import TOKEN_PREFIX
from origin.auth import COVERS_SCOPE
from origin.state import OriginState

_STEP_S = 3600  # they change once an hour, so that browsers can keep pictures


def covers_url(request: web.Request, state: OriginState) -> str:
    """What signed URLs of covers begin with, the same for everybody until the hour is over."""
    expires = (int(time.time()) // _STEP_S + 2) * _STEP_S
    token = state.deps.playback_tokens.issue(
        PlaybackToken(COVERS_SCOPE, (), datetime.fromtimestamp(expires, UTC))
    )
    return f"{state.base_url.of(request)}{TOKEN_PREFIX}{token}/"

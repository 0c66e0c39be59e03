"""Listeners' sessions: who asks for playback, under which terms, and the token they get.

A session is a stream of its account. The player names it, or is given a name, and gives that again
whenever it asks for another track or for a new token: all of that is one stream.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from drm.model import PlaybackToken, Stream
from drm.terms import account_of
from origin.auth import Grant, listener
from origin.bodies import read_body
from origin.problems import OriginError
from origin.state import OriginState

_MAX_BODY_BYTES = 1 << 10
_SESSION = re.compile(r"[A-Za-z0-9_-]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asking:
    """A listener who asks for playback."""

    grant: Grant  # what a token would give them, but for the policy's word
    tiers: tuple[str, ...]  # in ladder order
    stream: Stream
    is_counted: bool  # whether their streams are limited


async def asking(request: web.Request, state: OriginState, scope: str) -> Asking:
    """Who asks for what is under a scope. Denied for a subscription that there is not."""
    caller = await listener(request, state.callers)
    tiers = state.deps.tiers.opened_by(caller.subscription)
    policy = state.terms.policy(caller.subscription)
    session = await _session(request) or secrets.token_urlsafe(9)
    stream = Stream(account_of(caller.subject), session)
    territory = state.entitlements.territories.of(request) or caller.country
    grant = Grant(scope, frozenset(tiers), math.inf, None, stream, policy, territory)
    terms = state.terms.of_policy(policy)
    is_counted = terms is not None and terms.streams is not None
    return Asking(grant, tiers, stream, is_counted)


async def ending(request: web.Request, state: OriginState, session: str) -> Stream:
    """The stream of the caller's account that is to end."""
    caller = await listener(request, state.callers)
    return Stream(account_of(caller.subject), session)


def playback_token(state: OriginState, who: Asking, until: datetime | None) -> PlaybackToken:
    """The token of a listener whom the policy has let in; it does not outlast the rights."""
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=state.deps.playback_ttl_s)
    if until is not None:
        expires_at = min(expires_at, until.replace(microsecond=0))
    grant = who.grant
    return PlaybackToken(
        grant.scope, who.tiers, expires_at, grant.stream, grant.policy, grant.territory
    )


async def _session(request: web.Request) -> str | None:
    """The session that the body names: `{"session": "..."}`, or nothing at all."""
    body = await read_body(request, _MAX_BODY_BYTES)
    if not body:
        return None
    try:
        value = json.loads(body)
        session = value.get("session")
    except (AttributeError, ValueError, RecursionError):
        raise _malformed() from None
    if session is None:
        return None
    if not isinstance(session, str) or not _SESSION.fullmatch(session):
        raise _malformed()
    return session


def _malformed() -> OriginError:
    detail = 'The body is nothing, or {"session": "..."} with 12 characters of base64url.'
    return OriginError(400, "malformed-request", detail)

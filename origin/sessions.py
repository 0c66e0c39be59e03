"""Listeners' sessions: who asks for playback, under which terms, and the token they get.

A session is a stream of its account. The player names it, or is given a name, and gives that again
whenever it asks for another track or for a new token: all of that is one stream.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from aiohttp import web

from drm.model import AccessToken, PlaybackToken, Stream
from drm.terms import account_of
from drm.tiers import Tiers
from origin.auth import Grant
from origin.state import OriginState


class Quality(StrEnum):
    """How good it is to sound, of what the subscription opens."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Asking:
    """A listener who asks for playback."""

    grant: Grant  # what a token would give them, but for the policy's word
    tiers: tuple[str, ...]  # in ladder order
    stream: Stream
    is_counted: bool  # whether their streams are limited


def asking(
    request: web.Request,
    state: OriginState,
    caller: AccessToken,
    scope: str,
    session: str | None,
    quality: Quality = Quality.HIGH,
) -> Asking:
    """Who asks for what is under a scope. Denied for a subscription that there is not."""
    tiers = of_quality(state.deps.tiers, quality, state.deps.tiers.opened_by(caller.subscription))
    policy = state.terms.policy(caller.subscription)
    stream = Stream(account_of(caller.subject), session or secrets.token_urlsafe(9))
    territory = state.entitlements.territories.of(request) or caller.country
    grant = Grant(scope, frozenset(tiers), math.inf, None, stream, policy, territory)
    terms = state.terms.of_policy(policy)
    is_counted = terms is not None and terms.streams is not None
    return Asking(grant, tiers, stream, is_counted)


def of_quality(tiers: Tiers, quality: Quality, opened: tuple[str, ...]) -> tuple[str, ...]:
    """The tiers for a quality: the ladder's lowest, its lower half, all; of those, what is opened.

    Where that is nothing, the lowest that is opened: there is something to hear.
    """
    count = len(tiers.order)
    most = {Quality.LOW: 1, Quality.NORMAL: (count + 1) // 2, Quality.HIGH: count}[quality]
    return tuple(one for one in opened if one in tiers.order[:most]) or opened[:1]


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

"""From a token's text to what it grants."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import hdrs, web

from drm.callers import Callers
from drm.errors import Denied, ExpiredToken
from drm.model import AccessToken, Stream
from drm.playback_token import PlaybackTokens
from drm.policy import DETAILS, Reason, release_scope, track_scope
from origin.cache import Cache
from origin.problems import Unauthenticated

_REMEMBERED = 16384  # playback tokens: one per listener and track, about 500 bytes each
COVERS_SCOPE = "covers/"
_RELEASES = "releases/"


def wrong_scope() -> Denied:
    """The refusal of a token that is for something else."""
    return Denied(Reason.WRONG_SCOPE.value, DETAILS[Reason.WRONG_SCOPE])


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified playback token, in the shape the hot path asks for it."""

    scope: str
    tiers: frozenset[str]
    expires: float  # Unix seconds
    expires_at: datetime | None = None  # the same instant; None: an access token was just verified
    stream: Stream | None = None
    policy: str | None = None
    territory: str | None = None

    @property
    def is_of_release(self) -> bool:
        """Whether the token is for a release: which tracks that is, the catalog knows."""
        return self.scope.startswith(_RELEASES)

    @property
    def bearer(self) -> dict[str, str]:
        """Whose it is, in the words of the audit; nobody's is an operator's."""
        return {} if self.stream is None else {"account": self.stream.account}

    def covers(self, track_id: str, release_id: str | None) -> bool:
        """Whether the token is for this track, or for the release it is part of."""
        if self.scope == track_scope(track_id):
            return True
        return release_id is not None and self.scope == release_scope(release_id)

    def require(self, scope: str, tiers: frozenset[str]) -> None:
        """Denied unless the token covers that scope and opens all of these tiers."""
        if self.scope != scope:
            raise wrong_scope()
        self.require_tiers(tiers)

    def require_tiers(self, tiers: frozenset[str]) -> None:
        """Denied unless the token opens all of these tiers."""
        if not tiers <= self.tiers:
            raise Denied(Reason.TIER.value, DETAILS[Reason.TIER])


class PlaybackGrants:
    """Verifies playback tokens and remembers those that held; expiry is looked at every time."""

    def __init__(self, tokens: PlaybackTokens) -> None:
        self._tokens = tokens
        self._generation = tokens.generation
        self.cache: Cache[str, Grant] = Cache(_REMEMBERED)

    def known(self, text: str) -> Grant | None:
        """What a token that held before grants now; None when that takes a closer look."""
        grant = self.cache.get(text) if self._is_current() else None
        return grant if grant is not None and time.time() < grant.expires else None

    def grant(self, text: str) -> Grant:
        """What the token grants now. Raises InvalidToken or ExpiredToken."""
        now = time.time()
        grant = self.cache.get(text) if self._is_current() else None
        if grant is None:
            token = self._tokens.verify(text, datetime.fromtimestamp(now, UTC))
            grant = Grant(
                token.scope,
                frozenset(token.tiers),
                token.expires_at.timestamp(),
                token.expires_at,
                token.stream,
                token.policy,
                token.territory,
            )
            self.cache.put(text, grant)
        elif now >= grant.expires:
            raise ExpiredToken
        return grant

    def _is_current(self) -> bool:
        """Whether the keys are still those that the remembered tokens were verified with."""
        if self._generation == self._tokens.generation:
            return True
        self._generation = self._tokens.generation
        self.cache.clear()
        return False


def bearer(request: web.BaseRequest) -> str | None:
    """The token of `Authorization: Bearer`. RFC 6750, 2.1."""
    scheme, _, text = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None


async def listener(request: web.BaseRequest, callers: Callers) -> AccessToken:
    """Who calls, by the access token in the Authorization header."""
    text = bearer(request)
    if text is None:
        raise Unauthenticated
    return await callers.verify(text, datetime.now(UTC))


async def program(request: web.BaseRequest, callers: Callers, scope: str) -> AccessToken:
    """Which program calls, by an access token that has this scope; Denied where it has not."""
    token = await listener(request, callers)
    if scope not in token.scopes:
        raise Denied("scope-missing", f"The token has not the scope {scope}.")
    return token

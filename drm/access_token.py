"""Access tokens of our own: JWTs that say who a caller is. RFC 9068's form.

Only tokens of our own making pass, so everything about them is pinned: HS256, the header's
members, the issuer, the audience. Nothing in a token chooses how it is checked.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import jwt

from drm.errors import InvalidToken
from drm.jwt_form import MAX_TTL_S, check_times, claims_of, header_of
from drm.model import AccessToken
from drm.token_keys import SigningKeys

SPEKE_KEYS = "speke:keys"  # may ask for keys over SPEKE
UPLOADS_WRITE = "uploads:write"  # may send masters in; the subject is the label
JOBS_READ = "jobs:read"  # may look at every job
SCOPES = (SPEKE_KEYS, UPLOADS_WRITE, JOBS_READ)
NO_SUBSCRIPTION = "-"  # of a program's token: the settings cannot have one of that name
ALGORITHM = "HS256"
_TYPE = "at+jwt"
_SCOPE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}", re.ASCII)

__all__ = [
    "ALGORITHM",
    "JOBS_READ",
    "MAX_TTL_S",
    "NO_SUBSCRIPTION",
    "SCOPES",
    "SPEKE_KEYS",
    "UPLOADS_WRITE",
    "AccessTokens",
]


class AccessTokens:
    """Mints and verifies access tokens of one issuer and audience. Calls may be concurrent."""

    def __init__(self, keys: SigningKeys, *, issuer: str, audience: str) -> None:
        self._current = keys.current
        self._keys: Mapping[str, bytes] = dict(keys.keys)
        self._issuer = issuer
        self._audience = audience

    def use(self, keys: SigningKeys) -> None:
        """Sign and verify with these keys from now on."""
        self._current, self._keys = keys.current, dict(keys.keys)

    def mint(
        self,
        subject: str,
        subscription: str,
        ttl_s: int,
        *,
        scopes: Collection[str] = (),
        now: datetime | None = None,
    ) -> str:
        """Sign a token for `ttl_s` seconds; ValueError beyond 31 days or without names."""
        if not 1 <= ttl_s <= MAX_TTL_S or not subject or not subscription:
            msg = f"an access token needs names and 1 to {MAX_TTL_S} seconds"
            raise ValueError(msg)
        if not all(map(_SCOPE.fullmatch, scopes)):
            msg = f"not scopes of an access token: {scopes!r}"
            raise ValueError(msg)
        issued = int((now or datetime.now(UTC)).timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "subscription": subscription,
            "iat": issued,
            "nbf": issued,
            "exp": issued + ttl_s,
            "jti": secrets.token_urlsafe(9),
            **({"scope": " ".join(sorted(scopes))} if scopes else {}),
        }
        headers = {"typ": _TYPE, "kid": self._current}
        return jwt.encode(claims, self._keys[self._current], ALGORITHM, headers)

    def verify(self, text: str, now: datetime) -> AccessToken:
        """Say who a token speaks for.

        InvalidToken if it is not ours or not valid yet, ExpiredToken from its expiry on.
        """
        key = self._keys[_key_id(text, self._keys)]
        claims = claims_of(text, key, ALGORITHM)
        if claims.get("iss") != self._issuer:
            raise InvalidToken("another issuer's")
        if claims.get("aud") != self._audience:
            raise InvalidToken("for another audience")
        if "nbf" not in claims:
            raise InvalidToken("`nbf` is not an instant")
        expires = check_times(claims, now.timestamp())
        return AccessToken(
            subject=_name(claims, "sub"),
            subscription=_name(claims, "subscription"),
            expires_at=datetime.fromtimestamp(expires, UTC),
            scopes=_scopes(claims),
        )


def _key_id(text: str, keys: Mapping[str, bytes]) -> str:
    """Name the key to check with; refuse every header but the one that `mint` writes."""
    header = header_of(text)
    # Exactly these members: no `crit`, `jku`, `jwk`, `x5u`, `b64` or `zip` is ever looked at.
    if set(header) != {"alg", "typ", "kid"}:
        raise InvalidToken("unexpected header members")
    if header["alg"] != ALGORITHM or header["typ"] != _TYPE:
        raise InvalidToken("not an HS256 access token")
    key_id = header["kid"]
    if not isinstance(key_id, str) or key_id not in keys:
        raise InvalidToken("signed with an unknown key")
    return key_id


def _name(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidToken(f"`{name}` is missing")
    return value


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    """The `scope` claim, names with a space between them. RFC 8693, 4.2."""
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise InvalidToken("`scope` is not text")
    return frozenset(value.split())

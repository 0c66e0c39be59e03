"""Access tokens: JWTs that say who a caller is. RFC 9068's form, RFC 8725's precautions.

Only tokens of our own making pass, so everything about them is pinned: HS256, the header's
members, the issuer, the audience. Nothing in a token chooses how it is checked.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import jwt

from drm.errors import ExpiredToken, InvalidToken
from drm.model import AccessToken
from drm.token_keys import SigningKeys

MAX_TTL_S = 31 * 86400
SPEKE_KEYS = "speke:keys"  # may ask for keys over SPEKE
SCOPES = (SPEKE_KEYS,)
NO_SUBSCRIPTION = "-"  # of a program's token: the settings cannot have one of that name
_ALGORITHM = "HS256"
_TYPE = "at+jwt"
_MAX_CHARS = 8 << 10
_SKEW_S = 60  # clocks of two of our machines
_LAST_SECOND = 253402300799  # 9999-12-31: what datetime can hold
_SCOPE = re.compile(r"[a-z][a-z0-9_.:-]{0,63}", re.ASCII)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# Signature first; the times are ours to check, against the caller's clock.
_SIGNATURE_ONLY: jwt.types.Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class AccessTokens:
    """Mints and verifies access tokens of one issuer and audience. Calls may be concurrent."""

    def __init__(self, keys: SigningKeys, *, issuer: str, audience: str) -> None:
        self._current = keys.current
        self._keys: Mapping[str, bytes] = dict(keys.keys)
        self._issuer = issuer
        self._audience = audience

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
        return jwt.encode(claims, self._keys[self._current], _ALGORITHM, headers)

    def verify(self, text: str, now: datetime) -> AccessToken:
        """Say who a token speaks for.

        InvalidToken if it is not ours or not valid yet, ExpiredToken from its expiry on.
        """
        key = self._keys[_key_id(text, self._keys)]
        try:
            claims = jwt.decode(text, key, algorithms=[_ALGORITHM], options=_SIGNATURE_ONLY)
        except jwt.InvalidTokenError as exc:
            raise InvalidToken("the signature or the claims are not valid") from exc
        if claims.get("iss") != self._issuer:
            raise InvalidToken("another issuer's")
        if claims.get("aud") != self._audience:
            raise InvalidToken("for another audience")
        expires = _check_times(claims, now.timestamp())
        return AccessToken(
            subject=_name(claims, "sub"),
            subscription=_name(claims, "subscription"),
            expires_at=datetime.fromtimestamp(expires, UTC),
            scopes=_scopes(claims),
        )


def _key_id(text: str, keys: Mapping[str, bytes]) -> str:
    """Name the key to check with; refuse every header but the one that `mint` writes."""
    if len(text) > _MAX_CHARS:
        raise InvalidToken("too long")
    if not _COMPACT.fullmatch(text) or not all(map(_is_canonical, text.split("."))):
        raise InvalidToken("not a JWT in compact form")
    try:
        header = json.loads(_decode(text.partition(".")[0]))
    except (ValueError, RecursionError):
        raise InvalidToken("the header is not JSON") from None
    # Exactly these members: no `crit`, `jku`, `jwk`, `x5u`, `b64` or `zip` is ever looked at.
    if not isinstance(header, dict) or set(header) != {"alg", "typ", "kid"}:
        raise InvalidToken("unexpected header members")
    if header["alg"] != _ALGORITHM or header["typ"] != _TYPE:
        raise InvalidToken("not an HS256 access token")
    key_id = header["kid"]
    if not isinstance(key_id, str) or key_id not in keys:
        raise InvalidToken("signed with an unknown key")
    return key_id


def _check_times(claims: Mapping[str, object], now: float) -> int:
    """Return the expiry, Unix seconds, of a token that holds now."""
    issued, start, expires = (_instant(claims, name) for name in ("iat", "nbf", "exp"))
    if expires - issued > MAX_TTL_S:
        raise InvalidToken("valid for too long")
    if issued > now + _SKEW_S or start > now + _SKEW_S:
        raise InvalidToken("not valid yet")
    if now >= expires:
        raise ExpiredToken
    return expires


def _instant(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LAST_SECOND:  # bool is an int, too
        raise InvalidToken(f"`{name}` is not an instant")
    return value


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


def _is_canonical(part: str) -> bool:
    """Tell whether base64url would write these bytes the same way: no stray bits at the end."""
    try:
        return urlsafe_b64encode(_decode(part)).rstrip(b"=") == part.encode()
    except ValueError:
        return False


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))

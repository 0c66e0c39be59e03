"""What every JWT that we accept has to look like, whoever made it. RFC 8725's precautions."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

import jwt

from drm.errors import ExpiredToken, InvalidToken

MAX_TTL_S = 31 * 86400
MAX_CHARS = 8 << 10
_SKEW_S = 60  # clocks of two machines
_LAST_SECOND = 253402300799  # 9999-12-31: what datetime can hold
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
# Signature first; all else is ours to check, against the caller's clock.
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


def header_of(text: str) -> dict[str, object]:
    """Read the header of a JWT in compact form; nothing in it is believed yet. InvalidToken."""
    if len(text) > MAX_CHARS:
        raise InvalidToken("too long")
    if not _COMPACT.fullmatch(text) or not all(map(_is_canonical, text.split("."))):
        raise InvalidToken("not a JWT in compact form")
    try:
        header = json.loads(_decode(text.partition(".")[0]), object_pairs_hook=unique_members)
    except (ValueError, RecursionError):
        raise InvalidToken("the header is not JSON") from None
    if not isinstance(header, dict):
        raise InvalidToken("unexpected header members")
    return header


def claims_of(
    text: str, key: jwt.algorithms.AllowedPublicKeys | bytes, algorithm: str
) -> dict[str, object]:
    """Check the signature by this algorithm and no other, then read the claims. InvalidToken."""
    try:
        claims: dict[str, object] = jwt.decode(
            text, key, algorithms=[algorithm], options=_SIGNATURE_ONLY
        )
        # Twice the same member would be read by us in one way and by others in another.
        json.loads(_decode(text.split(".")[1]), object_pairs_hook=unique_members)
    except (jwt.InvalidTokenError, ValueError, RecursionError) as exc:
        raise InvalidToken("the signature or the claims are not valid") from exc
    return claims


def check_times(claims: Mapping[str, object], now: float) -> int:
    """Return the expiry, Unix seconds, of a token that holds now. `nbf` may be missing."""
    issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
    start = _instant(claims, "nbf") if "nbf" in claims else issued
    if expires - issued > MAX_TTL_S:
        raise InvalidToken("valid for too long")
    if issued > now + _SKEW_S or start > now + _SKEW_S:
        raise InvalidToken("not valid yet")
    if now >= expires:
        raise ExpiredToken
    return expires


def unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make the object of these members; ValueError where one comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _instant(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value <= _LAST_SECOND:  # bool is an int, too
        raise InvalidToken(f"`{name}` is not an instant")
    return value


def _is_canonical(part: str) -> bool:
    """Tell whether base64url would write these bytes the same way: no stray bits at the end."""
    try:
        return urlsafe_b64encode(_decode(part)).rstrip(b"=") == part.encode()
    except ValueError:
        return False


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))

"""Playback tokens: short, signed, and fit to be one segment of a URL's path.

    1.<key id>.<expiry, base 36 Unix seconds>.<tiers>.<scope>.<MAC, base64url>

In `tiers` the names are joined by "-" ("-" alone: none); in `scope` each "/" is written "~".
The MAC is HMAC-SHA-256 over a label and the fields as written, so that exactly the texts that
were issued verify: another spelling of the same values does not.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from drm.canonical import join
from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken
from drm.token_keys import SigningKeys

_VERSION = "1"
_LABEL = "headwater playback token"
_MAX_CHARS = 512
_NO_TIERS = "-"
_TIERS = r"[a-z][a-z0-9_]*"
_SCOPE = re.compile(r"(?:[A-Za-z0-9_-]+/)+")
_TIER = re.compile(_TIERS)
_TOKEN = re.compile(
    rf"1\.([a-z0-9]{{1,16}})\.([1-9a-z][0-9a-z]{{0,9}})\.(-|{_TIERS}(?:-{_TIERS})*)"
    r"\.((?:[A-Za-z0-9_-]+~)+)\.([A-Za-z0-9_-]{43})",
    re.ASCII,
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LAST_SECOND = int(datetime.max.replace(tzinfo=UTC).timestamp())


class PlaybackTokens:
    """Issues and verifies playback tokens. Calls may be concurrent."""

    def __init__(self, keys: SigningKeys) -> None:
        self._current = keys.current
        self._keys: Mapping[str, bytes] = dict(keys.keys)

    def issue(self, token: PlaybackToken) -> str:
        """Sign a token; ValueError for a scope, tier or instant that it cannot express."""
        seconds = int(token.expires_at.timestamp())
        if not _SCOPE.fullmatch(token.scope) or not all(map(_TIER.fullmatch, token.tiers)):
            msg = f"not a scope and tiers of a playback token: {token.scope!r} {token.tiers!r}"
            raise ValueError(msg)
        if seconds < 1 or token.expires_at.microsecond:
            msg = f"not a whole second after 1970: {token.expires_at}"
            raise ValueError(msg)
        fields = (
            self._current,
            _base36(seconds),
            "-".join(token.tiers) or _NO_TIERS,
            token.scope.replace("/", "~"),
        )
        text = ".".join((_VERSION, *fields, _mac(self._keys[self._current], fields)))
        if len(text) > _MAX_CHARS:
            msg = f"a playback token is at most {_MAX_CHARS} characters, not {len(text)}"
            raise ValueError(msg)
        return text

    def verify(self, text: str, now: datetime) -> PlaybackToken:
        """Read a token; InvalidToken if it is not ours, ExpiredToken from its expiry on."""
        match = _TOKEN.fullmatch(text) if len(text) <= _MAX_CHARS else None
        if match is None:
            raise InvalidToken("not a playback token")
        *fields, mac = match.groups()
        key = self._keys.get(fields[0])
        if key is None:
            raise InvalidToken("signed with an unknown key")
        if not hmac.compare_digest(_mac(key, fields), mac):
            raise InvalidToken("the signature does not match")
        _, expiry, tiers, scope = fields
        seconds = int(expiry, 36)
        if now.timestamp() >= seconds:
            raise ExpiredToken
        return PlaybackToken(
            scope=scope.replace("~", "/"),
            tiers=() if tiers == _NO_TIERS else tuple(tiers.split("-")),
            expires_at=datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC),
        )


def _mac(key: bytes, fields: tuple[str, ...] | list[str]) -> str:
    digest = hmac.digest(key, join(_LABEL, _VERSION, *fields), "sha256")
    return urlsafe_b64encode(digest)[:43].decode("ascii")


def _base36(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))

"""Playback tokens: short, signed, and fit to be one segment of a URL's path.

    2.<key id>.<expiry, base 36 Unix seconds>.<tiers>.<stream>.<policy>.<territory>.<scope>.<MAC>

In `tiers` the names are joined by "-"; in `scope` each "/" is written "~"; `stream` is an account
and a session, 28 characters, `policy` 8, both base64url like the MAC; "-" alone: none of it.
The MAC is HMAC-SHA-256 over a label and the text before it, so that exactly the texts that were
issued verify: another spelling of the same values does not.
"""

from __future__ import annotations

import hmac
import re
from binascii import b2a_base64
from collections.abc import Mapping
from datetime import UTC, datetime

from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken, Stream
from drm.token_keys import SigningKeys

_VERSION = "2"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_LABEL = b"headwater playback token\n"
_MAX_CHARS = 512
_NONE = "-"
_ACCOUNT_CHARS = 16
_TIERS = r"[a-z][a-z0-9_]*"
_SCOPE = re.compile(r"(?:[A-Za-z0-9_-]+/)+")
_TIER = re.compile(_TIERS)
# Multiples of 4 characters, so that every text is the one spelling of its bytes.
_STREAM = re.compile(r"[A-Za-z0-9_-]{28}", re.ASCII)
_POLICY = re.compile(r"[A-Za-z0-9_-]{8}", re.ASCII)
_TERRITORY = re.compile(r"[A-Z]{2}", re.ASCII)
_TOKEN = re.compile(
    rf"2\.([a-z0-9]{{1,16}})\.([1-9a-z][0-9a-z]{{0,9}})\.(-|{_TIERS}(?:-{_TIERS})*)"
    rf"\.(-|{_STREAM.pattern})\.(-|{_POLICY.pattern})\.(-|{_TERRITORY.pattern})"
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
        self.generation = 0  # changes with the keys: what was verified before is not any more

    def use(self, keys: SigningKeys) -> None:
        """Sign and verify with these keys from now on."""
        self._current, self._keys = keys.current, dict(keys.keys)
        self.generation += 1

    def issue(self, token: PlaybackToken) -> str:
        """Sign a token; ValueError for what it cannot express."""
        signed = ".".join((_VERSION, self._current, *_fields(token)))
        text = f"{signed}.{_mac(self._keys[self._current], signed)}"
        if len(text) > _MAX_CHARS:
            msg = f"a playback token is at most {_MAX_CHARS} characters, not {len(text)}"
            raise ValueError(msg)
        return text

    def verify(self, text: str, now: datetime) -> PlaybackToken:
        """Read a token; InvalidToken if it is not ours, ExpiredToken from its expiry on."""
        match = _TOKEN.fullmatch(text) if len(text) <= _MAX_CHARS else None
        if match is None:
            raise InvalidToken("not a playback token")
        key_id, expiry, tiers, stream, policy, territory, scope, mac = match.groups()
        key = self._keys.get(key_id)
        if key is None:
            raise InvalidToken("signed with an unknown key")
        if not hmac.compare_digest(_mac(key, text[: -len(mac) - 1]), mac):
            raise InvalidToken("the signature does not match")
        seconds = int(expiry, 36)
        if now.timestamp() >= seconds:
            raise ExpiredToken
        return PlaybackToken(
            scope=scope.replace("~", "/"),
            tiers=() if tiers == _NONE else tuple(tiers.split("-")),
            expires_at=datetime.fromtimestamp(min(seconds, _LAST_SECOND), UTC),
            stream=None
            if stream == _NONE
            else Stream(stream[:_ACCOUNT_CHARS], stream[_ACCOUNT_CHARS:]),
            policy=None if policy == _NONE else policy,
            territory=None if territory == _NONE else territory,
        )


def _fields(token: PlaybackToken) -> tuple[str, ...]:
    """What a token says, as it is written and signed."""
    seconds = int(token.expires_at.timestamp())
    if not _SCOPE.fullmatch(token.scope) or not all(map(_TIER.fullmatch, token.tiers)):
        msg = f"not a scope and tiers of a playback token: {token.scope!r} {token.tiers!r}"
        raise ValueError(msg)
    if seconds < 1 or token.expires_at.microsecond:
        msg = f"not a whole second after 1970: {token.expires_at}"
        raise ValueError(msg)
    stream = token.stream
    return (
        _base36(seconds),
        "-".join(token.tiers) or _NONE,
        _optional(_STREAM, None if stream is None else _joined(stream)),
        _optional(_POLICY, token.policy),
        _optional(_TERRITORY, token.territory),
        token.scope.replace("/", "~"),
    )


def _joined(stream: Stream) -> str:
    """Account and session; not a text of the right length where one of them has not its own."""
    return stream.account + stream.session if len(stream.account) == _ACCOUNT_CHARS else ""


def _optional(form: re.Pattern[str], text: str | None) -> str:
    if text is not None and not form.fullmatch(text):
        msg = f"not a stream, policy or territory of a playback token: {text!r}"
        raise ValueError(msg)
    return text or _NONE


def _mac(key: bytes, signed: str) -> str:
    digest = hmac.digest(key, _LABEL + signed.encode("ascii"), "sha256")
    return b2a_base64(digest, newline=False)[:43].translate(_URL_SAFE).decode("ascii")


def _base36(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))

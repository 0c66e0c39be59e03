"""Common Access Tokens (CTA-5007-A) as a form of playback tokens, beside our compact one.

A profile: what a playback token says, in the standard's claims as far as it has them.

    iss 1, exp 4, catv 310 = 1, catu 312 = {path: {contains: "/tracks/<id>/"}}
    -65537 = {0: [tiers], 1: stream, 2: policy, 3: territory}   private use; 1 to 3 optional

A token is taken only if every claim in it is understood here: one that limits its use in a way
that we do not check (catnip, catm, catgeoiso3166, catreplay ...) must not pass for one that does
not. An edge that knows the standard can check the path and the expiry of what we issue.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

from drm import cose
from drm.cose import MalformedMessage, Plain
from drm.errors import ExpiredToken, InvalidToken
from drm.model import PlaybackToken, Stream
from drm.playback_token import PlaybackTokens
from drm.token_keys import SigningKeys

_ISS, _SUB, _AUD, _EXP, _NBF, _IAT, _CTI = range(1, 8)
_CATV, _CATU = 310, 312
_OURS = -65537
_UNDERSTOOD = frozenset((_ISS, _SUB, _AUD, _EXP, _NBF, _IAT, _CTI, _CATV, _CATU, _OURS))
_VERSION = 1
_PATH, _CONTAINS = 3, 3  # of catu: the part of the URI, and how it has to match
_TIERS, _STREAM, _POLICY, _TERRITORY = range(4)
_ACCOUNT_CHARS = 16
_SKEW_S = 60
_MAX_CHARS = 512
_LAST_SECOND = 253402300799  # 9999-12-31


class CommonAccessTokens:
    """Issues and verifies tokens of one issuer and audience. Calls may be concurrent."""

    def __init__(self, keys: SigningKeys, *, issuer: str, audience: str) -> None:
        self._keys = dict(keys.keys)
        self._current = keys.current
        self._issuer = issuer
        self._audience = audience

    def use(self, keys: SigningKeys) -> None:
        """Sign and verify with these keys from now on."""
        self._current, self._keys = keys.current, dict(keys.keys)

    def issue(self, token: PlaybackToken) -> str:
        """Sign what a playback token says, if that has the right form. ValueError: too long."""
        ours: dict[int, object] = {_TIERS: list(token.tiers)}
        if token.stream is not None:
            ours[_STREAM] = token.stream.account + token.stream.session
        if token.policy is not None:
            ours[_POLICY] = token.policy
        if token.territory is not None:
            ours[_TERRITORY] = token.territory
        claims: dict[int, object] = {
            _ISS: self._issuer,
            _EXP: int(token.expires_at.timestamp()),
            _CATV: _VERSION,
            _CATU: {_PATH: {_CONTAINS: f"/{token.scope}"}},
            _OURS: ours,
        }
        data = cose.seal(claims, self._current, self._keys[self._current])
        text = urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
        if len(text) > _MAX_CHARS:
            msg = f"a playback token is at most {_MAX_CHARS} characters, not {len(text)}"
            raise ValueError(msg)
        return text

    def verify(self, text: str, now: datetime) -> PlaybackToken:
        """Read a token; InvalidToken if it is none that we take, ExpiredToken from its expiry on.

        What it says may still be of a form that no playback token has.
        """
        if len(text) > _MAX_CHARS:
            raise InvalidToken("not a playback token")
        try:
            data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != text:  # stray bits
                raise InvalidToken("not a playback token")
            claims = cose.open_sealed(data, self._keys)
        except ValueError:
            raise InvalidToken("not a playback token") from None
        except MalformedMessage as exc:
            raise InvalidToken(str(exc)) from None
        self._check_origin(claims)
        seconds = _check_times(claims, now.timestamp())
        ours = claims.get(_OURS)
        if not isinstance(ours, dict) or not set(ours) <= {_TIERS, _STREAM, _POLICY, _TERRITORY}:
            raise InvalidToken("its own claim is not one of ours")
        return PlaybackToken(
            scope=_scope(claims.get(_CATU)),
            tiers=_tiers(ours.get(_TIERS)),
            expires_at=datetime.fromtimestamp(seconds, UTC),
            stream=_stream(_text(ours, _STREAM)),
            policy=_text(ours, _POLICY),
            territory=_text(ours, _TERRITORY),
        )

    def _check_origin(self, claims: dict[int, Plain]) -> None:
        if unknown := claims.keys() - _UNDERSTOOD:
            raise InvalidToken(f"claim {max(unknown)} is not understood here")
        if claims.get(_CATV) != _VERSION:
            raise InvalidToken("not a Common Access Token of version 1")
        if claims.get(_ISS) != self._issuer:
            raise InvalidToken("another issuer's")
        audience = claims.get(_AUD, self._audience)
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken("for another audience")


class EitherPlaybackTokens(PlaybackTokens):
    """Takes both forms, told apart by the dots of the compact one, and issues one of them."""

    def __init__(self, keys: SigningKeys, cats: CommonAccessTokens, *, issue_cats: bool) -> None:
        super().__init__(keys)
        self._cats = cats
        self._issue_cats = issue_cats

    def use_cats(self, keys: SigningKeys) -> None:
        """Sign and verify Common Access Tokens with these keys from now on."""
        self._cats.use(keys)
        self.generation += 1

    def issue(self, token: PlaybackToken) -> str:
        """Sign a token; ValueError for what it cannot express."""
        text = super().issue(token)  # which checks the form of everything in it
        return self._cats.issue(token) if self._issue_cats else text

    def verify(self, text: str, now: datetime) -> PlaybackToken:
        """Read a token; InvalidToken if it is not ours, ExpiredToken from its expiry on."""
        if "." in text:
            return super().verify(text, now)
        token = self._cats.verify(text, now)
        try:
            super().issue(token)  # others who sign have to keep to our forms, too
        except ValueError:
            raise InvalidToken("not what a playback token can say") from None
        return token


def _check_times(claims: dict[int, Plain], now: float) -> int:
    """The expiry, Unix seconds, of a token that holds now."""
    for name in (_NBF, _IAT):
        start = claims.get(name, 0)
        if type(start) is not int or start > now + _SKEW_S:
            raise InvalidToken("not valid yet")
    expires = claims.get(_EXP)
    if type(expires) is not int or not 0 < expires <= _LAST_SECOND:
        raise InvalidToken("`exp` is not an instant")
    if now >= expires:
        raise ExpiredToken
    return expires


def _scope(catu: Plain | None) -> str:
    """The scope that the URI's path has to contain, and nothing else of the URI."""
    path = catu.get(_PATH) if isinstance(catu, dict) and len(catu) == 1 else None
    text = path.get(_CONTAINS) if isinstance(path, dict) and len(path) == 1 else None
    if not isinstance(text, str) or not text.startswith("/"):
        raise InvalidToken("`catu` is not a path that contains a scope")
    return text[1:]


def _tiers(value: Plain | None) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidToken("the tiers are not a list")
    tiers = tuple(one for one in value if isinstance(one, str))
    if len(tiers) != len(value):
        raise InvalidToken("a tier is not text")
    return tiers


def _stream(text: str | None) -> Stream | None:
    return None if text is None else Stream(text[:_ACCOUNT_CHARS], text[_ACCOUNT_CHARS:])


def _text(ours: dict[int | str, Plain], name: int) -> str | None:
    value = ours.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidToken("its own claim is not one of ours")
    return value

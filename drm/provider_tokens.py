"""Access tokens of the service's identity provider: JWTs, signed with keys that it publishes.

Which algorithm verifies a token is the key's to say, and the settings'. `jku`, `jwk`, `x5u` and
`x5c` in a header, which would bring a key along, are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from drm.errors import InvalidToken
from drm.jwt_form import check_times, claims_of, header_of
from drm.model import AccessToken
from drm.provider_keys import ProviderKeys

# Extensions that change what a token means: we implement none. RFC 7515, 4.1.11; RFC 7797.
_NOT_UNDERSTOOD = frozenset(("crit", "b64", "zip", "enc"))
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where in a token is said what: a claim's name, or a JSON Pointer ("/realm/plan").

    None: nowhere.
    """

    subject: str = "sub"
    subscription: str = "subscription"
    scopes: str | None = "scope"
    country: str | None = None


class ProviderTokens:
    """Verifies the tokens of one provider. Calls may be concurrent.

    `types` are the values of `typ` that are taken, "" for a token that has none. A token that
    names no subscription has `default_subscription`, if there is one.
    """

    def __init__(
        self,
        keys: ProviderKeys,
        *,
        issuer: str,
        audience: str,
        types: Collection[str] = ("at+jwt",),
        names: ClaimNames | None = None,
        default_subscription: str | None = None,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._types = frozenset(one.lower() for one in types)
        self._names = names or ClaimNames()
        self._default_subscription = default_subscription

    async def verify(self, text: str, now: datetime) -> AccessToken:
        """Say who a token speaks for.

        InvalidToken if it is none of the provider's or not valid yet, ExpiredToken from its
        expiry on, IdentityProviderAway where its keys are not to be had.
        """
        key = await self._keys.key(self._key_name(text))
        claims = claims_of(text, key.key, key.algorithm)
        if claims.get("iss") != self._issuer:
            raise InvalidToken("another issuer's")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidToken("for another audience")
        expires = check_times(claims, now.timestamp())
        return AccessToken(
            subject=self._text(claims, self._names.subject, None),
            subscription=self._text(claims, self._names.subscription, self._default_subscription),
            expires_at=datetime.fromtimestamp(expires, UTC),
            scopes=_scopes(_find(claims, self._names.scopes)),
            country=_country(_find(claims, self._names.country)),
        )

    def _key_name(self, text: str) -> tuple[str, str]:
        header = header_of(text)
        if _NOT_UNDERSTOOD & header.keys():
            raise InvalidToken("unexpected header members")
        kind = header.get("typ", "")
        # RFC 9068, 2.1: with or without "application/", in any case.
        if (
            not isinstance(kind, str)
            or kind.lower().removeprefix("application/") not in self._types
        ):
            raise InvalidToken("not a token of a type that is accepted")
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or not isinstance(algorithm, str):
            raise InvalidToken("signed with an unknown key")
        return kid, algorithm

    def _text(self, claims: Mapping[str, object], name: str, default: str | None) -> str:
        value = _find(claims, name)
        if value is None:
            value = default
        if not isinstance(value, str) or not value:
            raise InvalidToken(f"`{name}` is missing")
        return value


def _find(claims: Mapping[str, object], name: str | None) -> object:
    """The value of a claim, or at a JSON Pointer (RFC 6901) through objects; None: none."""
    if name is None:
        return None
    if not name.startswith("/"):
        return claims.get(name)
    value: object = claims
    for step in name[1:].split("/"):
        if not isinstance(value, dict):
            return None
        value = value.get(step.replace("~1", "/").replace("~0", "~"))
    return value


def _scopes(value: object) -> frozenset[str]:
    """Names with a space between them (RFC 8693, 4.2), or a list of names."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return frozenset(value)
    raise InvalidToken("the scopes are not text")


def _country(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _COUNTRY.fullmatch(value.upper()):
        return value.upper()
    raise InvalidToken("the country is not a code of two letters")

"""Who calls, by an access token: one of our own, or one of the service's identity provider."""

from __future__ import annotations

from datetime import datetime

from drm.access_token import ALGORITHM, AccessTokens
from drm.errors import InvalidToken
from drm.jwt_form import header_of
from drm.model import AccessToken
from drm.provider_tokens import ProviderTokens


class Callers:
    """Verifies access tokens of every kind that is accepted. Calls may be concurrent.

    HS256 is our own tokens' algorithm, and never the provider's: a token's algorithm only tells
    whom to ask, and who is asked accepts no other.
    """

    def __init__(self, own: AccessTokens | None, provider: ProviderTokens | None = None) -> None:
        self._own = own
        self._provider = provider

    async def verify(self, text: str, now: datetime) -> AccessToken:
        """Say who a token speaks for.

        InvalidToken if nobody we trust made it or it is not valid yet, ExpiredToken from its
        expiry on, IdentityProviderAway where that has the keys and does not answer.
        """
        if self._provider is not None and header_of(text).get("alg") != ALGORITHM:
            return await self._provider.verify(text, now)
        if self._own is None:
            raise InvalidToken("tokens of this kind are not accepted")
        return self._own.verify(text, now)

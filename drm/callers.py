"""Who calls, by an access token."""

from __future__ import annotations

from datetime import datetime

from drm.access_token import AccessTokens
from drm.model import AccessToken


class Callers:
    """Verifies access tokens of every kind that is accepted. Calls may be concurrent."""

    def __init__(self, own: AccessTokens) -> None:
        self._own = own

    async def verify(self, text: str, now: datetime) -> AccessToken:
        """Say who a token speaks for.

        InvalidToken if nobody we trust made it or it is not valid yet, ExpiredToken from its
        expiry on.
        """
        return self._own.verify(text, now)

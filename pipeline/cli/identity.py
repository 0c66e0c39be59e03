"""The service's identity provider, from settings: whose access tokens the origin accepts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configs.settings import IdentitySettings
from drm.provider_keys import ProviderKeys
from drm.provider_tokens import ClaimNames, ProviderTokens


@asynccontextmanager
async def open_provider_tokens(settings: IdentitySettings) -> AsyncIterator[ProviderTokens | None]:
    """Open it where there is one. Its keys are asked for with the first token."""
    if settings.jwks_url is None:
        yield None
        return
    from origin.outbound import OutboundClient  # noqa: PLC0415 - slow to load, rarely needed

    async with OutboundClient() as http:
        keys = ProviderKeys(http, settings.jwks_url, settings.algorithms, stale_s=settings.stale_s)
        try:
            yield ProviderTokens(
                keys,
                issuer=settings.issuer,
                audience=settings.audience,
                types=settings.types,
                names=ClaimNames(
                    settings.subject_claim,
                    settings.subscription_claim,
                    settings.scopes_claim,
                    settings.country_claim,
                ),
                default_subscription=settings.default_subscription,
            )
        finally:
            await keys.close()

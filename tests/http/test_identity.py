"""Listeners with access tokens of the service's identity provider, over sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from configs.settings import IdentitySettings
from drm.callers import Callers
from origin.state import STATE
from pipeline.cli.identity import open_provider_tokens
from tests.http.conftest import Origin
from tests.support import house as houses
from tests.support.identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    ec_signer,
    okp_signer,
)


@pytest.fixture
async def provider(origin: Origin) -> AsyncIterator[IdentityProvider]:
    """The origin believes it, and still its own tokens."""
    async with IdentityProvider(ec_signer()).running() as running:
        settings = IdentitySettings(jwks_url=running.url, issuer=ISSUER, audience=AUDIENCE)
        async with open_provider_tokens(settings) as tokens:
            origin.runner.app[STATE].callers = Callers(origin.deps.access_tokens, tokens)
            yield running


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "subscription": "free",
        "iat": now,
        "exp": now + 60,
        **changes,
    }


async def ask(origin: Origin, token: str) -> tuple[int, dict[str, object]]:
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    headers = {"Authorization": f"Bearer {token}"}
    async with origin.client.post(url, headers=headers) as response:
        answer: dict[str, object] = await response.json(content_type=None)
        return response.status, answer


async def test_its_listeners_have_what_their_subscription_opens(
    origin: Origin, provider: IdentityProvider
) -> None:
    status, answer = await ask(origin, ec_signer().sign(claims()))
    assert (status, answer["tiers"]) == (200, ["standard"])
    status, answer = await ask(origin, ec_signer().sign(claims(subscription="gold")))
    assert (status, answer["reason"]) == (403, "unknown-subscription")
    status, answer = await ask(origin, origin.deps.access_tokens.mint("ada", "premium", 60))
    assert status == 200
    assert provider.asked == 1


async def test_what_it_did_not_sign_is_refused(origin: Origin, provider: IdentityProvider) -> None:
    for token in (
        okp_signer().sign(claims()),
        ec_signer().sign(claims(iss="https://elsewhere.example.com/")),
        ec_signer().sign(claims(aud="video")),
        ec_signer().sign(claims(), typ="JWT"),
    ):
        status, answer = await ask(origin, token)
        assert (status, answer["reason"]) == (401, "token-invalid")
    now = int(time.time())
    status, answer = await ask(origin, ec_signer().sign(claims(iat=now - 90, exp=now - 30)))
    assert (status, answer["reason"]) == (401, "token-expired")


async def test_while_it_has_never_answered_listeners_are_told_to_wait(
    origin: Origin, provider: IdentityProvider
) -> None:
    provider.status = 500
    status, answer = await ask(origin, ec_signer().sign(claims()))
    assert (status, answer["reason"]) == (503, "identity-unavailable")
    status, _ = await ask(origin, origin.deps.access_tokens.mint("ada", "premium", 60))
    assert status == 200


async def test_its_programs_may_ask_for_keys(origin: Origin, provider: IdentityProvider) -> None:
    url = f"{origin.url}/speke/v2/copyProtection"
    for scope, expected in (("speke:keys", 415), ("other", 403)):
        token = ec_signer().sign(claims(scope=scope))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        async with origin.client.post(url, data=b"x", headers=headers) as response:
            assert response.status == expected

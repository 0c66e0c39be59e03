"""Tokens of an identity provider: every way to forge one, against its real key set."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from drm.access_token import AccessTokens
from drm.callers import Callers
from drm.errors import ExpiredToken, InvalidToken
from drm.jwks import ALGORITHMS
from drm.model import AccessToken
from drm.provider_keys import ProviderKeys
from drm.provider_tokens import ClaimNames, ProviderTokens
from drm.token_keys import SigningKeys
from origin.outbound import OutboundClient
from tests.support.identity_provider import (
    AUDIENCE,
    ISSUER,
    IdentityProvider,
    Signer,
    b64,
    ec_signer,
    okp_signer,
    rsa_signer,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
SIGNERS = rsa_signer(), ec_signer(), okp_signer()
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "auth0|alice",
    "subscription": "premium",
    "iat": SECONDS,
    "exp": SECONDS + 600,
}
OWN = AccessTokens(SigningKeys("a1", {"a1": bytes(range(32))}), issuer=ISSUER, audience=AUDIENCE)


@pytest.fixture
async def keys() -> AsyncIterator[ProviderKeys]:
    async with IdentityProvider(*SIGNERS).running() as provider, OutboundClient() as http:
        opened = ProviderKeys(http, provider.url, ALGORITHMS)
        yield opened
        await opened.close()


@pytest.fixture
def tokens(keys: ProviderKeys) -> ProviderTokens:
    return ProviderTokens(keys, issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda one: one.algorithm)
async def test_a_token_of_each_algorithm(tokens: ProviderTokens, signer: Signer) -> None:
    found = await tokens.verify(signer.sign(CLAIMS), NOW)
    assert found == AccessToken("auth0|alice", "premium", NOW + timedelta(seconds=600))


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
async def test_one_of_several_audiences_is_ours(tokens: ProviderTokens, audience: object) -> None:
    await tokens.verify(ec_signer().sign({**CLAIMS, "aud": audience}), NOW)


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_spellings_of_the_type(tokens: ProviderTokens, typ: str) -> None:
    await tokens.verify(ec_signer().sign(CLAIMS, typ=typ), NOW)


async def test_types_are_those_of_the_settings(keys: ProviderKeys) -> None:
    lax = ProviderTokens(keys, issuer=ISSUER, audience=AUDIENCE, types=("jwt", ""))
    await lax.verify(ec_signer().sign(CLAIMS, typ="JWT"), NOW)
    await lax.verify(ec_signer().sign(CLAIMS, typ=None), NOW)
    with pytest.raises(InvalidToken, match="type"):
        await lax.verify(ec_signer().sign(CLAIMS, typ="at+jwt"), NOW)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://id.example.com"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "other"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {AUDIENCE: 1}}, "audience"),
        ({"sub": ""}, "`sub`"),
        ({"sub": 7}, "`sub`"),
        ({"sub": None}, "`sub`"),
        ({"subscription": None}, "`subscription`"),
        ({"subscription": ["premium"]}, "`subscription`"),
        ({"iat": None}, "`iat`"),
        ({"exp": None}, "`exp`"),
        ({"exp": str(SECONDS + 600)}, "`exp`"),
        ({"exp": SECONDS + 600.5}, "`exp`"),
        ({"exp": 1e300}, "`exp`"),
        ({"exp": True}, "`exp`"),
        ({"nbf": "now"}, "`nbf`"),
        ({"iat": SECONDS + 61}, "not valid yet"),
        ({"nbf": SECONDS + 61}, "not valid yet"),
        ({"exp": SECONDS + 32 * 86400}, "too long"),
        ({"scope": 7}, "scopes"),
    ],
)
async def test_claims_that_do_not_hold(
    tokens: ProviderTokens, changes: dict[str, object], reason: str
) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    with pytest.raises(InvalidToken, match=reason):
        await tokens.verify(ec_signer().sign(claims), NOW)


async def test_its_time_is_over(tokens: ProviderTokens) -> None:
    text = ec_signer().sign(CLAIMS)
    await tokens.verify(text, NOW + timedelta(seconds=599))
    with pytest.raises(ExpiredToken):
        await tokens.verify(text, NOW + timedelta(seconds=600))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"typ": "JWT"},
        {"typ": "id+jwt"},
        {"typ": 7},
        {"typ": None},
        {"kid": "other"},
        {"kid": "../../etc/passwd"},
        {"kid": "ed-1"},
        {"kid": 7},
        {"kid": ["ec-1"]},
    ],
    ids=str,
)
async def test_headers_that_are_refused(tokens: ProviderTokens, header: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        await tokens.verify(forged(header), NOW)


def forged(
    header: dict[str, object],
    claims: dict[str, object] | None = None,
    *,
    signer: Signer | None = None,
) -> str:
    """A token that is really signed, whatever its header says."""
    signer = signer or ec_signer()
    members = {"alg": signer.algorithm, "typ": "at+jwt", "kid": signer.kid, **header}
    head = {name: value for name, value in members.items() if value is not None}
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims or CLAIMS).encode())}"
    algorithm = jwt.get_algorithm_by_name(signer.algorithm)
    return f"{text}.{b64(algorithm.sign(text.encode(), signer.key))}"


async def test_the_forge_itself_is_good(tokens: ProviderTokens) -> None:
    await tokens.verify(forged({}), NOW)


async def test_keys_that_a_token_brings_along_are_not_looked_at(tokens: ProviderTokens) -> None:
    foreign = Signer("ec-1", "ES256", ec_signer("foreign").key)
    members: list[dict[str, object]] = [
        {"jwk": foreign.jwk()},
        {"jku": "http://127.0.0.1:9/jwks.json"},
        {"x5u": "http://127.0.0.1:9/chain.pem"},
        {"x5c": ["AAAA"]},
    ]
    for member in members:
        with pytest.raises(InvalidToken, match="signature"):
            await tokens.verify(forged(member, signer=foreign), NOW)
        await tokens.verify(forged(member), NOW)  # nor do they spoil a good one


async def test_an_algorithm_cannot_be_chosen(tokens: ProviderTokens) -> None:
    for algorithm in ("none", "None", "NONE", "nOnE", "HS256", "ES384", "RS256", ""):
        with pytest.raises(InvalidToken):
            await tokens.verify(forged({"alg": algorithm}), NOW)
    head, claims, _ = forged({"alg": "none"}).split(".")
    with pytest.raises(InvalidToken):
        await tokens.verify(f"{head}.{claims}.", NOW)


async def test_a_public_key_is_no_secret(tokens: ProviderTokens) -> None:
    """The classic: HS256 with the RSA public key, which everybody has, as the shared secret."""
    callers = Callers(OWN, tokens)
    public = rsa_signer().key.public_key()
    for encoding, form in (
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ):
        secret = public.public_bytes(encoding, form)
        for kid in ("rsa-1", "a1"):
            header = {"alg": "HS256", "typ": "at+jwt", "kid": kid}
            text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(CLAIMS).encode())}"
            mac = b64(hmac.digest(secret, text.encode(), "sha256"))
            with pytest.raises(InvalidToken):
                await callers.verify(f"{text}.{mac}", NOW)


async def test_every_bit(tokens: ProviderTokens) -> None:
    text = okp_signer().sign(CLAIMS)
    for position in range(0, len(text), 3):
        for bit in (1, 4, 32):
            spoiled = text[:position] + chr(ord(text[position]) ^ bit) + text[position + 1 :]
            with pytest.raises(InvalidToken):
                await tokens.verify(spoiled, NOW)


async def test_members_that_come_twice(tokens: ProviderTokens) -> None:
    signer = ec_signer()
    header = b'{"alg":"ES256","typ":"at+jwt","kid":"ec-1"}'
    claims = json.dumps(CLAIMS)[:-1] + ',"sub":"mallory"}'
    text = f"{b64(header)}.{b64(claims.encode())}"
    signature = jwt.get_algorithm_by_name("ES256").sign(text.encode(), signer.key)
    with pytest.raises(InvalidToken):
        await tokens.verify(f"{text}.{b64(signature)}", NOW)


async def test_claims_are_where_the_settings_say(keys: ProviderKeys) -> None:
    names = ClaimNames("/user/id", "https://music.example.com/plan", "scp", "/user/geo~1country")
    tokens = ProviderTokens(keys, issuer=ISSUER, audience=AUDIENCE, names=names)
    claims = {
        **CLAIMS,
        "user": {"id": "u1", "geo/country": "de"},
        "https://music.example.com/plan": "free",
        "scp": ["speke:keys", "a"],
    }
    found = await tokens.verify(ec_signer().sign(claims), NOW)
    expected = AccessToken(
        "u1", "free", NOW + timedelta(seconds=600), frozenset(("speke:keys", "a")), "DE"
    )
    assert found == expected
    for user in ({"id": "u1", "geo/country": "Germany"}, {"id": "u1", "geo/country": 49}):
        with pytest.raises(InvalidToken, match="country"):
            await tokens.verify(ec_signer().sign({**claims, "user": user}), NOW)
    with pytest.raises(InvalidToken, match="/user/id"):
        await tokens.verify(ec_signer().sign({**claims, "user": "u1"}), NOW)


async def test_scopes_as_text(tokens: ProviderTokens) -> None:
    found = await tokens.verify(ec_signer().sign({**CLAIMS, "scope": "speke:keys a"}), NOW)
    assert found.scopes == {"speke:keys", "a"}


async def test_a_token_without_a_subscription_has_the_default_one(keys: ProviderKeys) -> None:
    tokens = ProviderTokens(keys, issuer=ISSUER, audience=AUDIENCE, default_subscription="free")
    claims = {name: value for name, value in CLAIMS.items() if name != "subscription"}
    assert (await tokens.verify(ec_signer().sign(claims), NOW)).subscription == "free"
    assert (await tokens.verify(ec_signer().sign(CLAIMS), NOW)).subscription == "premium"


async def test_ours_and_theirs_beside_each_other(tokens: ProviderTokens) -> None:
    ours = OWN.mint("ada", "free", 60, now=NOW)
    both = Callers(OWN, tokens)
    assert (await both.verify(ours, NOW)).subject == "ada"
    assert (await both.verify(ec_signer().sign(CLAIMS), NOW)).subject == "auth0|alice"
    with pytest.raises(InvalidToken, match="not accepted"):
        await Callers(None, tokens).verify(ours, NOW)
    with pytest.raises(InvalidToken):
        await Callers(OWN).verify(ec_signer().sign(CLAIMS), NOW)
    foreign = replace(ec_signer(), key=ec_signer("foreign").key)
    with pytest.raises(InvalidToken):
        await both.verify(foreign.sign(CLAIMS), NOW)

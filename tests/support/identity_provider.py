"""An identity provider of our own: a key set over HTTP, keys that rotate, failures on demand."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example.com/"
AUDIENCE = "music"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """A key pair of the provider."""

    kid: str
    algorithm: str
    key: PrivateKey

    def jwk(self, **changes: object) -> dict[str, object]:
        """The public half, as it is published; a change to None takes a member out."""
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            members = RSAAlgorithm.to_jwk(public, as_dict=True)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            members = ECAlgorithm.to_jwk(public, as_dict=True)
        else:
            members = OKPAlgorithm.to_jwk(public, as_dict=True)
        named: dict[str, object] = {
            **members, "kid": self.kid, "alg": self.algorithm, "use": "sig", **changes
        }  # fmt: skip
        named.pop("key_ops", None)
        if changes.get("key_ops") is not None:
            named["key_ops"] = changes["key_ops"]
        return {name: value for name, value in named.items() if value is not None}

    def sign(self, claims: Mapping[str, object], **header: object) -> str:
        """A token; a header member that is None is left out."""
        members = {"typ": "at+jwt", "kid": self.kid, **header}
        return jwt.encode(dict(claims), self.key, self.algorithm, members)


@cache
def rsa_signer(kid: str = "rsa-1", bits: int = 2048, exponent: int = 65537) -> Signer:
    return Signer(kid, "RS256", rsa.generate_private_key(exponent, bits))


@cache
def ec_signer(kid: str = "ec-1") -> Signer:
    return Signer(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


@cache
def okp_signer(kid: str = "ed-1") -> Signer:
    return Signer(kid, "EdDSA", ed25519.Ed25519PrivateKey.generate())


def key_set(*members: object) -> bytes:
    return json.dumps({"keys": members}).encode()


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class IdentityProvider:
    """Its key set, and how it is answered."""

    def __init__(self, *signers: Signer) -> None:
        self.url = ""
        self.body = key_set(*(one.jwk() for one in signers))
        self.headers: dict[str, str] = {}
        self.status = 200
        self.asked = 0
        self.reached = asyncio.Event()
        self.hold: asyncio.Event | None = None  # answers wait for it

    def publish(self, *signers: Signer) -> None:
        self.body = key_set(*(one.jwk() for one in signers))

    @asynccontextmanager
    async def running(
        self, context: ssl.SSLContext | None = None
    ) -> AsyncIterator[IdentityProvider]:
        app = web.Application()
        app.router.add_get("/jwks.json", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
        try:
            yield self
        finally:
            if self.hold is not None:
                self.hold.set()
            await runner.cleanup()

    async def _handle(self, _request: web.Request) -> web.Response:
        self.asked += 1
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(
            status=self.status,
            body=self.body,
            headers=self.headers,
            content_type="application/json",
        )

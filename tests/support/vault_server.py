"""A transit engine of our own: Vault's wire format, real AES-GCM, versions, failures on demand."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.CAESIJ-test-token"
_NONCE_BYTES = 12


@dataclass(slots=True)
class TransitKey:
    """One key of the engine."""

    derived: bool = False
    oldest: int = 1  # min_decryption_version
    versions: dict[int, bytes] = field(default_factory=lambda: {1: secrets.token_bytes(32)})

    @property
    def latest(self) -> int:
        return max(self.versions)

    def cipher(self, version: int, context: bytes) -> AESGCM:
        key = self.versions[version]
        return AESGCM(hashlib.sha256(key + context).digest() if self.derived else key)


class VaultServer:
    """The engine `transit` with the key `headwater`; `failures` are answered before anything."""

    def __init__(self, *, derived: bool = False) -> None:
        self.url = ""
        self.key = TransitKey(derived)
        self.failures: list[int] = []
        self.requests: list[tuple[str, str]] = []
        self.namespace: str | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[VaultServer]:
        app = web.Application()
        app.router.add_route("*", "/v1/{mount}/{rest:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.match_info["rest"]
        self.requests.append((request.method, path))
        self.namespace = request.headers.get("X-Vault-Namespace")
        if self.failures:
            return _errors(self.failures.pop(0), "internal error")
        if request.headers.get("X-Vault-Token") != TOKEN:
            return _errors(403, "permission denied")
        what, _, name = path.removesuffix("/rotate").removesuffix("/config").partition("/")
        if name != "headwater" or request.match_info["mount"] != "transit":
            return _errors(404)
        body = json.loads(await request.read() or b"{}")
        try:
            if what == "keys":
                return self._keys(path, body)
            return self._encrypt(body) if what == "encrypt" else self._decrypt(body)
        except (InvalidTag, KeyError, ValueError):
            return _errors(400, "cipher: message authentication failed")

    def _keys(self, path: str, body: dict[str, object]) -> web.Response:
        key = self.key
        if path.endswith("/rotate"):
            key.versions[key.latest + 1] = secrets.token_bytes(32)
        elif path.endswith("/config"):
            oldest = body["min_decryption_version"]
            assert isinstance(oldest, int)
            if oldest > key.latest:
                return _errors(400, "cannot set min decryption version higher than the latest")
            key.oldest = oldest
            return web.Response(status=204)
        return _data(
            name="headwater",
            type="aes256-gcm96",
            derived=key.derived,
            latest_version=key.latest,
            min_decryption_version=key.oldest,
        )

    def _encrypt(self, body: dict[str, str]) -> web.Response:
        version = int(body.get("key_version") or self.key.latest)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self.key.cipher(version, b64decode(body.get("context", "")))
        aad = b64decode(body.get("associated_data", ""))
        sealed = nonce + cipher.encrypt(nonce, b64decode(body["plaintext"]), aad)
        text = f"vault:v{version}:{b64encode(sealed).decode()}"
        return _data(ciphertext=text, key_version=version)

    def _decrypt(self, body: dict[str, str]) -> web.Response:
        _, version, text = body["ciphertext"].split(":")
        number = int(version.removeprefix("v"))
        if number < self.key.oldest:
            return _errors(400, "ciphertext or signature version is disallowed by policy (too old)")
        sealed = b64decode(text)
        cipher = self.key.cipher(number, b64decode(body.get("context", "")))
        aad = b64decode(body.get("associated_data", ""))
        plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
        return _data(plaintext=b64encode(plain).decode())


def _data(**data: object) -> web.Response:
    return web.json_response({"request_id": "0", "lease_id": "", "data": data})


def _errors(status: int, *errors: str) -> web.Response:
    return web.json_response({"errors": list(errors)}, status=status)

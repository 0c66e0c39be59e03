"""License servers of our own that speak the vendors' formats, and believe nothing unsigned."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

PROVIDER = "headwater_test"
GOOGLE_KEY, GOOGLE_IV = bytes(range(32)), bytes(range(100, 116))
AXINOM_KEY_ID, AXINOM_KEY = "aa0151d7-081c-4699-a049-fc584556c9d2", bytes(range(1, 33))
TOKEN_KEY = bytes(range(2, 34))
LICENSE = b"\x08\x02license for "


class LicenseVendor:
    """What it was asked, and how it answers; `status` is answered before anything."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.body = b""  # with a status other than 200
        self.asked = 0
        self.seen: dict[str, object] = {}  # the last message, once it was believed
        self.challenge = b""
        self.hold: asyncio.Event | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LicenseVendor]:
        app = web.Application()
        app.router.add_post("/google", self._google)
        app.router.add_post("/axinom", self._axinom)
        app.router.add_post("/token", self._token)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            if self.hold is not None:
                self.hold.set()
            await runner.cleanup()

    async def _google(self, request: web.Request) -> web.Response:
        if (refusal := await self._first()) is not None:
            return refusal
        outer = await request.json()
        text = b64decode(outer["request"], validate=True)
        if outer["signer"] != PROVIDER or not signed(text, b64decode(outer["signature"])):
            return web.json_response({"status": "SIGNATURE_FAILED"})
        message = json.loads(text)
        if message["provider"] != PROVIDER:
            return web.json_response({"status": "PROVIDER_MISMATCH"})
        self.seen, self.challenge = message, b64decode(message["payload"], validate=True)
        return web.json_response({"status": "OK", "license": b64encode(self._license()).decode()})

    async def _axinom(self, request: web.Request) -> web.Response:
        if (refusal := await self._first()) is not None:
            return refusal
        text = request.headers["X-AxDRM-Message"]
        try:
            message = jwt.decode(text, AXINOM_KEY, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return web.Response(status=403)
        if message["com_key_id"] != AXINOM_KEY_ID:
            return web.Response(status=403)
        self.seen, self.challenge = message, await request.read()
        return web.Response(body=self._license())

    async def _token(self, request: web.Request) -> web.Response:
        if (refusal := await self._first()) is not None:
            return refusal
        text = request.headers["X-Drm-UserToken"]
        try:
            self.seen = jwt.decode(text, TOKEN_KEY, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return web.Response(status=401)
        assert int(str(self.seen["exp"])) - time.time() <= 60
        self.challenge = await request.read()
        return web.Response(body=self._license())

    async def _first(self) -> web.Response | None:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        return None if self.status == 200 else web.Response(status=self.status, body=self.body)

    def _license(self) -> bytes:
        return LICENSE + hashlib.sha256(self.challenge).digest()


def signed(message: bytes, signature: bytes) -> bool:
    """Whether a signature holds: decrypted, it is the message's SHA-1."""
    decryptor = Cipher(algorithms.AES(GOOGLE_KEY), modes.CBC(GOOGLE_IV)).decryptor()
    unpadder = PKCS7(128).unpadder()
    try:
        padded = decryptor.update(signature) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize() == hashlib.sha1(message).digest()
    except ValueError:
        return False

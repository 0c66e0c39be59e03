"""A KEK in AWS KMS: it never leaves the service, which wraps and unwraps for us.

The KEK's id is the key's ARN, its version the number of rotations plus one. What a key is bound
to goes along as encryption context, as a hash: KMS logs contexts. A key policy may so see that
two calls are about the same row, and no more. Needs the extra `aws`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aioboto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from drm.canonical import join
from drm.errors import KekAway, KekRefused, KekUnavailable, WrongKek
from drm.kek import Kek, Wrapped

_T = TypeVar("_T")

_VERSION_TTL_S = 300.0  # KMS rotates on its own, too
_ROTATION_S = 60.0  # how long a rotation on demand may take to show
# Standard mode: jittered, exponential. What is left over is KekAway.
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "max_attempts": 3})
_WRONG = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})
_REFUSED = {
    "NotFoundException": "there is no such key",
    "DisabledException": "the key is disabled",
    "KMSInvalidStateException": "the key is disabled or about to be deleted",
    "AccessDeniedException": "access denied",
    "UnrecognizedClientException": "the credentials are not known",
    "ExpiredTokenException": "the credentials have expired",
}


class AwsKek:
    """One KMS key. Symmetric, for encryption and decryption."""

    def __init__(self, client: Any, arn: str, rotations: int) -> None:
        self._client = client
        self._arn = arn
        self._version = rotations + 1
        self._asked = time.monotonic()

    def __repr__(self) -> str:
        return f"AwsKek({self._arn!r}, version={self._version})"

    @classmethod
    @asynccontextmanager
    async def open(
        cls, key: str, *, region: str | None = None, endpoint: str | None = None
    ) -> AsyncIterator[AwsKek]:
        """Find a key by ARN, id or alias, with the credentials that AWS tools look for."""
        session = aioboto3.Session()
        try:
            made = session.client("kms", region_name=region, endpoint_url=endpoint, config=_CONFIG)
        except (BotoCoreError, ValueError) as exc:
            raise KekUnavailable(key, str(exc), "check drm.kek_aws_region") from exc
        async with made as client:
            found = await _asked(key, client.describe_key(KeyId=key))
            arn = found["KeyMetadata"]["Arn"]
            yield cls(client, arn, await _rotations(client, arn))

    @property
    def id(self) -> str:
        """The key's ARN."""
        return self._arn

    async def current(self) -> Kek:
        """Name the version that KMS wraps by now, as far as was asked in the last minutes."""
        if time.monotonic() - self._asked > _VERSION_TTL_S:
            await self._ask_version()
        return Kek(self._arn, self._version)

    async def versions(self) -> tuple[int, ...]:
        """All of them: KMS keeps what a key was as long as the key."""
        await self._ask_version()
        return tuple(range(1, self._version + 1))

    async def wrap(self, plain: bytes, aad: bytes) -> Wrapped:
        """Encrypt in KMS."""
        kek = await self.current()
        call = self._client.encrypt(
            KeyId=self._arn, Plaintext=plain, EncryptionContext=_context(aad, kek)
        )
        answer = await _asked(self._arn, call)
        return Wrapped(kek, b"", answer["CiphertextBlob"])

    async def unwrap(self, wrapped: Wrapped, aad: bytes) -> bytes:
        """Decrypt in KMS, by this key and no other."""
        kek = wrapped.kek
        if kek.id != self._arn:
            raise WrongKek(kek.id, kek.version, f"the KEK at hand is {self._arn}")
        if wrapped.nonce:
            raise WrongKek(kek.id, kek.version, "the row was altered: KMS needs no nonce")
        call = self._client.decrypt(
            KeyId=self._arn, CiphertextBlob=wrapped.data, EncryptionContext=_context(aad, kek)
        )
        try:
            answer = await _asked(self._arn, call)
        except _Wrong:
            problem = "it does not open: another KEK, or the row was altered"
            raise WrongKek(kek.id, kek.version, problem) from None
        plain: bytes = answer["Plaintext"]
        return plain

    async def rotate(self) -> Kek:
        """Rotate on demand (KMS allows this a limited number of times), and wait until it shows."""
        before = await _rotations(self._client, self._arn)
        await _asked(self._arn, self._client.rotate_key_on_demand(KeyId=self._arn))
        deadline = time.monotonic() + _ROTATION_S
        while await self._ask_version() <= before + 1:
            if time.monotonic() > deadline:
                raise KekAway(self._arn, "the rotation has not come to an end", "try again later")
            await asyncio.sleep(1)
        return Kek(self._arn, self._version)

    async def retire(self, version: int) -> None:
        """KekRefused: KMS keeps all versions of a key."""
        raise KekRefused(
            f"{self._arn}: KMS keeps version {version} as long as the key"
            " (move to another key, then schedule the deletion of this one in KMS)"
        )

    async def _ask_version(self) -> int:
        self._version = 1 + await _rotations(self._client, self._arn)
        self._asked = time.monotonic()
        return self._version


class _Wrong(Exception):
    """KMS does not open it."""


async def _rotations(client: Any, arn: str) -> int:
    count = 0
    more: dict[str, str] = {}
    while True:
        answer = await _asked(arn, client.list_key_rotations(KeyId=arn, **more))
        count += len(answer["Rotations"])
        if not answer.get("Truncated"):
            return count
        more = {"Marker": answer["NextMarker"]}


def _context(aad: bytes, kek: Kek) -> dict[str, str]:
    return {"headwater": hashlib.sha256(join(aad, kek.id, kek.version)).hexdigest()}


async def _asked(key: str, call: Awaitable[_T]) -> _T:
    """The service's answer, or one of our errors."""
    try:
        return await call
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        if code in _WRONG:
            raise _Wrong from exc
        if code in _REFUSED:
            raise KekUnavailable(key, f"KMS: {_REFUSED[code]}", "see the key in KMS") from exc
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        if status < 500 and "Throttl" not in code and "Limit" not in code:
            raise KekUnavailable(key, f"KMS refuses: {code}", "see the key in KMS") from exc
        raise KekAway(key, f"KMS cannot answer now: {code}", "try again") from exc
    except NoCredentialsError as exc:
        raise KekUnavailable(key, "there are no AWS credentials", "set them up") from exc
    except (BotoCoreError, OSError, TimeoutError) as exc:
        # The class, not the text: what a library says may repeat what it was given.
        raise KekAway(key, f"KMS does not answer: {type(exc).__name__}", "try again") from exc

"""Bringing content into a bucket where there is none by that name: in one request, or in parts."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass

from storage.base import StorageError
from storage.bucket import (
    ABSENT,
    SHA256_FIELD,
    SSE_FIELD,
    TAKEN,
    UPLOAD_GONE,
    Bucket,
    Condition,
    S3Failure,
)
from storage.claims import Claims
from storage.content import Content
from storage.content_types import player_fields
from storage.retrying import Retrying

KMS = "aws:kms"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a bucket is used."""

    bucket: str
    prefix: str = ""  # of every key; "" or ending in "/"
    sse: str | None = None  # AES256 or aws:kms
    sse_kms_key: str | None = None  # None: the bucket's own default
    part_bytes: int = 8 << 20
    parallel_parts: int = 4  # of all uploads of a store together
    retry_s: float = 30.0

    def encryption(self) -> dict[str, str]:
        """The fields that ask for encryption at rest."""
        if self.sse is None:
            return {}
        key = {f"{SSE_FIELD}-aws-kms-key-id": self.sse_kms_key} if self.sse_kms_key else {}
        return {SSE_FIELD: self.sse, **key}


class Uploads:
    """The uploads of one store."""

    def __init__(self, bucket: Bucket, rules: Rules, retrying: Retrying) -> None:
        self._bucket = bucket
        self._rules = rules
        self._retrying = retrying
        self._claims = Claims(bucket, rules.prefix, retrying)
        self._gate = asyncio.Semaphore(rules.parallel_parts)

    async def send(self, name: str, what: Content) -> bool:
        """Make the object; False where there is one already, whatever is in it."""
        if len(what.md5s) == 1:
            return await self._send_whole(name, what)
        if await self._exists(name):  # before its bytes are sent for nothing
            return False
        return await self._send_in_parts(name, what)

    async def _send_whole(self, name: str, what: Content) -> bool:
        fields = self._fields(name, what) | {"content-md5": _base64(what.md5s[0])}
        data = what.read(0)

        async def put() -> None:
            async with self._gate:
                await self._bucket.put(name, data, fields, Condition())

        try:
            await self._retrying.run(put)
        except S3Failure as exc:
            if exc.code == TAKEN:
                return False
            raise
        return True

    async def _send_in_parts(self, name: str, what: Content) -> bool:
        fields = self._fields(name, what)
        upload = await self._retrying.run(lambda: self._bucket.start_upload(name, fields))
        try:
            etags = await self._send_parts(name, upload, what)
            return await self._finish(name, upload, etags, what)
        except BaseException as exc:
            # Shielded: an interrupted upload leaves no parts that somebody pays for.
            with suppress(StorageError):
                await asyncio.shield(self._bucket.abort_upload(name, upload))
            if isinstance(exc, S3Failure) and exc.code == UPLOAD_GONE:  # it was swept
                raise S3Failure(str(exc), exc.code, transient=True) from exc
            raise

    async def _send_parts(self, name: str, upload: str, what: Content) -> tuple[str, ...]:
        async def send(number: int) -> str:
            fields = {"content-md5": _base64(what.md5s[number])}
            async with self._gate:
                data = await asyncio.to_thread(what.read, number)
                return await self._retrying.run(
                    lambda: self._bucket.put_part(name, upload, number + 1, data, fields)
                )

        tasks = [asyncio.ensure_future(send(number)) for number in range(len(what.md5s))]
        try:
            return tuple(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _finish(self, name: str, upload: str, etags: tuple[str, ...], what: Content) -> bool:
        key = name.removeprefix(self._rules.prefix)
        await self._claims.take(key, what.sha256)
        is_made = not await self._exists(name)
        if is_made:
            is_made = await self._make(name, upload, etags)
        # Not where that failed: it may still come true, and nobody else's may before.
        await self._claims.release(key)
        if not is_made:
            with suppress(StorageError):  # what is left is swept; the object is what counts
                await self._bucket.abort_upload(name, upload)
        return is_made

    async def _make(self, name: str, upload: str, etags: tuple[str, ...]) -> bool:
        try:
            await self._retrying.run(lambda: self._bucket.finish_upload(name, upload, etags))
        except S3Failure as exc:
            if exc.code == TAKEN:
                return False
            # The answer to a first try was lost: then there is no such upload any more.
            if exc.code == UPLOAD_GONE and await self._exists(name):
                return True
            raise
        return True

    async def _exists(self, name: str) -> bool:
        try:
            await self._retrying.run(lambda: self._bucket.head(name))
        except S3Failure as exc:
            if exc.code == ABSENT:
                return False
            raise
        return True

    def _fields(self, name: str, what: Content) -> dict[str, str]:
        return {
            SHA256_FIELD: what.sha256,
            "content-type": "application/octet-stream",
            **player_fields(name),
            **self._rules.encryption(),
        }


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()

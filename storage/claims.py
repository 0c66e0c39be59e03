"""Who may finish an upload in parts: one content per key, also where servers do not help.

Servers may ignore the condition of a CompleteMultipartUpload (Ceph 16 does) or of a copy, but
obey the one of a plain PUT. So before an upload is finished a small object is put beside, under
`.claims/`, if there is none; whoever has put it finishes, whoever wants the same bytes may too.
A claim is removed after the object is there. One that a killed writer left is taken over when it
is old; a lifecycle rule removes the rest.
"""

from __future__ import annotations

import asyncio
import random
import time
from base64 import b64encode
from hashlib import md5

from storage.base import StorageError
from storage.bucket import ABSENT, TAKEN, Bucket, Condition, S3Failure
from storage.retrying import Retrying

FOLDER = ".claims/"
_STALE_S = 1800.0  # clocks of writers may differ by up to 15 minutes: servers refuse more
_WAIT_S = 30.0
_TURN_S = 0.5


class Claims:
    """The claims of one store in a bucket."""

    def __init__(self, bucket: Bucket, prefix: str, retrying: Retrying) -> None:
        self._bucket = bucket
        self._prefix = prefix + FOLDER
        self._retrying = retrying

    async def take(self, key: str, sha256: str) -> None:
        """Claim a key for that content, waiting for somebody who is about to finish another.

        StorageError (transient) where that takes long.
        """
        claim = self._prefix + key
        deadline = time.monotonic() + _WAIT_S
        while not await self._try(claim, sha256):
            if time.monotonic() > deadline:
                msg = f"{key} is being written with other bytes by somebody else (try again later)"
                raise StorageError(msg)
            await asyncio.sleep(random.uniform(0, _TURN_S))

    async def release(self, key: str) -> None:
        """Remove a claim: the object is there."""
        await self._retrying.run(lambda: self._bucket.delete(self._prefix + key))

    async def _try(self, claim: str, sha256: str) -> bool:
        if await self._put(claim, sha256, Condition()):
            return True
        try:
            data, stat = await self._retrying.run(lambda: self._bucket.get(claim, None))
        except S3Failure as exc:
            if exc.code == ABSENT:
                return False
            raise
        theirs, _, since = data.decode("ascii", "replace").partition(" ")
        if theirs == sha256:
            return True
        age = time.time() - int(since) if since.isdecimal() else _STALE_S
        return age >= _STALE_S and await self._put(claim, sha256, Condition(stat.etag))

    async def _put(self, claim: str, sha256: str, condition: Condition) -> bool:
        data = f"{sha256} {time.time():.0f}".encode()
        digest = b64encode(md5(data, usedforsecurity=False).digest()).decode()
        fields = {"content-md5": digest, "content-type": "text/plain"}
        try:
            await self._retrying.run(lambda: self._bucket.put(claim, data, fields, condition))
        except S3Failure as exc:
            if exc.code == TAKEN:
                return False
            raise
        return True

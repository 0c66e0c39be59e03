"""An ObjectStore of a bucket: the rules of the house, over single requests of either client.

A write is conditional, so nothing is overwritten; it carries the SHA-256 of what was read from the
source, and is compared with what the server then says it holds. A whole object is hashed when it
is read; of a range, the length and the place are checked.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from storage import claims, content
from storage.base import (
    ByteRange,
    InvalidKey,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    check_key,
    check_span,
    split_prefix,
)
from storage.bucket import ABSENT, OUTSIDE, Bucket, Marker, S3Failure, Stat
from storage.content import Content
from storage.retrying import Retrying
from storage.s3_errors import ALTERED, FORBIDDEN
from storage.uploads import KMS, Rules, Uploads

_T = TypeVar("_T")

_MD5_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")
_HASHED_HERE = 256 << 10  # bytes; hashing more would hold up the event loop
_COMPARED = 8 << 20  # bytes read at a time of an object that was not stored by us
_LONGEST_PRESIGNED_S = 7 * 86400  # what Signature Version 4 allows


class BucketStore:
    """An ObjectStore; any number of tasks, processes and machines may share the bucket."""

    def __init__(self, bucket: Bucket, rules: Rules) -> None:
        self._bucket = bucket
        self._rules = rules
        self._retrying = Retrying(rules.retry_s)
        self._uploads = Uploads(bucket, rules, self._retrying)
        self._is_seen = False  # the bucket has answered: what is not found is not in it

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.locate('x')[:-1]!r})"

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write a small object. The same bytes again are a no-op; others raise ObjectExists."""
        check_key(key)
        if len(data) <= _HASHED_HERE:
            return await self._store(key, content.of_bytes(data))
        return await self._store(key, await asyncio.to_thread(content.of_bytes, data))

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Write a local file as an object (same rule as `put`), a large one in parts."""
        check_key(key)
        what = await asyncio.to_thread(content.of_file, path, self._rules.part_bytes)
        return await self._store(key, what)

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """Read the object's bytes, or that range of them and no more."""
        name = self._name(key)
        if span is None:
            return await self._found(key, lambda: self._whole(name))
        if span.size == 0:
            check_span(key, span, (await self.head(key)).size)
            return b""
        try:
            data, stat = await self._found(key, lambda: self._bucket.get(name, span))
        except S3Failure as exc:
            if exc.code == OUTSIDE:
                check_span(key, span, (await self.head(key)).size)
            raise
        check_span(key, span, stat.size)
        return data

    async def head(self, key: str) -> ObjectInfo:
        """Tell the size of an object. ObjectNotFound where there is none."""
        return ObjectInfo(key, (await self._stat(key)).size)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with the prefix, in key order, a thousand at a time."""
        split_prefix(prefix)
        async for found in self._walk(prefix):
            with suppress(InvalidKey):  # not ours: a claim, a folder that a tool made
                check_key(found.key)
                yield found

    async def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""
        name = self._name(key)
        await self._run(lambda: self._bucket.delete(name))

    async def leftovers(self, before: datetime) -> AsyncIterator[str]:
        """Uploads in parts and claims that killed writers left: `key?upload`, `.claims/key`."""
        after: Marker | None = None
        while True:
            call = partial(self._bucket.uploads, self._rules.prefix, after)
            found, after = await self._run(call)
            for one in found:
                if one.since < before:
                    yield f"{one.key.removeprefix(self._rules.prefix)}?{one.upload}"
            if after is None:
                break
        async for claim in self._walk(claims.FOLDER):
            if claim.modified is not None and claim.modified < before:
                yield claim.key

    async def sweep(self, name: str) -> None:
        """Remove one of these; gone already is fine."""
        key, is_upload, upload = name.partition("?")
        if is_upload:
            name = self._name(key)
            await self._run(lambda: self._bucket.abort_upload(name, upload))
            return
        claim = claims.FOLDER + check_key(key.removeprefix(claims.FOLDER))
        await self._run(lambda: self._bucket.delete(self._rules.prefix + claim))

    def locate(self, key: str) -> str:
        """Make the object's address: `s3://bucket/prefix/key`."""
        return f"s3://{self._rules.bucket}/{self._name(key)}"

    async def presign(self, key: str, ttl: timedelta) -> str:
        """Make a URL that reads the object for `ttl`, at most 7 days, for whoever has it."""
        ttl_s = int(ttl.total_seconds())
        if not 0 < ttl_s <= _LONGEST_PRESIGNED_S:
            msg = f"a URL may be good for 1 to {_LONGEST_PRESIGNED_S} seconds, not {ttl_s}"
            raise ValueError(msg)
        return await self._bucket.presign(self._name(key), ttl_s)

    async def check(self) -> None:
        """Ask the bucket once; StorageError saying what is wrong: address, credentials, bucket."""
        await self._bucket.page(self._rules.prefix, None, 1)
        self._is_seen = True

    async def close(self) -> None:
        """Release connections."""
        await self._bucket.close()

    async def _walk(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Everything under the prefix, whoever put it there."""
        more: str | None = None
        while True:
            page = await self._run(partial(self._bucket.page, self._rules.prefix + prefix, more))
            for found in page.objects:
                yield replace(found, key=found.key.removeprefix(self._rules.prefix))
            more = page.more
            if more is None:
                return

    def _name(self, key: str) -> str:
        return self._rules.prefix + check_key(key)

    async def _run(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Run a request, again where that may help; a bare 403 gets its reason."""
        try:
            answer = await self._retrying.run(call)
        except S3Failure as exc:
            if exc.code == FORBIDDEN:
                await self.check()  # a HEAD has no body to say why; this one has
            raise
        self._is_seen = True
        return answer

    async def _found(self, key: str, call: Callable[[], Awaitable[_T]]) -> _T:
        """Run a request for an object; ObjectNotFound where there is none."""
        try:
            return await self._run(call)
        except S3Failure as exc:
            if exc.code != ABSENT:
                raise
            if not self._is_seen:
                await self.check()  # a HEAD cannot tell a missing bucket from a missing object
            msg = f"there is no object {key} ({self.locate(key)})"
            raise ObjectNotFound(msg) from exc

    async def _stat(self, key: str) -> Stat:
        name = self._name(key)
        return await self._found(key, lambda: self._bucket.head(name))

    async def _whole(self, name: str) -> bytes:
        """A whole object, as it was when it was stored: another try where it is not."""
        data, stat = await self._bucket.get(name, None)
        if stat.sha256 is not None and await _sha256(data) != stat.sha256:
            msg = f"s3://{self._rules.bucket}/{name}: what came is not what was stored"
            raise S3Failure(msg, ALTERED, transient=True)
        return data

    async def _store(self, key: str, what: Content) -> ObjectInfo:
        name = self._name(key)
        try:
            is_made = await self._uploads.send(name, what)
        except S3Failure as exc:
            if exc.code == FORBIDDEN:
                await self.check()
            raise
        try:
            stat = await self._stat(key)
        except ObjectNotFound as exc:
            msg = f"{self.locate(key)}: it was deleted while it was written"
            raise S3Failure(msg, ABSENT, transient=True) from exc
        if is_made:
            await self._verify(key, what, stat)
        elif stat.size != what.size or await self._stored_sha256(name, stat) != what.sha256:
            msg = f"{self.locate(key)} already holds other bytes: objects are never overwritten"
            raise ObjectExists(msg)
        return ObjectInfo(key, what.size)

    async def _verify(self, key: str, what: Content, stat: Stat) -> None:
        """Compare what the server says it holds with what was read from the source."""
        problem, may_pass = None, False
        if self._rules.sse and stat.sse != self._rules.sse:
            problem = f"the server does not encrypt it ({stat.sse or 'storage.sse is ignored'})"
        elif (stat.size, stat.sha256) != (what.size, what.sha256) or not self._is_alike(what, stat):
            problem, may_pass = "the server holds other bytes than it was sent", True
        if problem is not None:
            await self.delete(key)
            raise S3Failure(f"{self.locate(key)}: {problem}", ALTERED, transient=may_pass)

    def _is_alike(self, what: Content, stat: Stat) -> bool:
        """Whether the ETag agrees, where it is a hash of the content: not under a KMS key.

        Which may be the bucket's own default (SSE-KMS, DSSE-KMS): we need not have asked for it.
        """
        is_kms = (stat.sse or "").startswith(KMS)
        is_hash = not is_kms and _MD5_ETAG.fullmatch(stat.etag) is not None
        return not is_hash or stat.etag == what.etag

    async def _stored_sha256(self, name: str, stat: Stat) -> str:
        """The hash of what is stored; it is read where another tool has stored it."""
        if stat.sha256 is not None:
            return stat.sha256
        whole = hashlib.sha256()
        for start in range(0, stat.size, _COMPARED):
            span = ByteRange(start, min(start + _COMPARED, stat.size))
            data, _ = await self._run(partial(self._bucket.get, name, span))
            await asyncio.to_thread(whole.update, data)
        return whole.hexdigest()


async def _sha256(data: bytes) -> str:
    if len(data) <= _HASHED_HERE:
        return hashlib.sha256(data).hexdigest()
    return await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())

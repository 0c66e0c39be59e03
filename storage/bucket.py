"""One bucket of an S3-compatible server, by single requests: what both clients are brought to.

`storage.minio` and `storage.s3` implement `Bucket`; `storage.bucket_store` makes an ObjectStore of
either. A request is tried once here, and fails with S3Failure alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.base import ByteRange, ObjectInfo, StorageError

SHA256_FIELD = "x-amz-meta-sha256"  # hex; the object's content, as it was before it was sent
SSE_FIELD = "x-amz-server-side-encryption"

# Answers that say more of a state than of a fault.
ABSENT = "NoSuchKey"
TAKEN = "PreconditionFailed"
OUTSIDE = "InvalidRange"
UPLOAD_GONE = "NoSuchUpload"


_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)  # RFC 9110, 14.4


class S3Failure(StorageError):
    """A request that the server refused or that did not come through.

    `code` is S3's name for it, or one of ours for what happened on the way.
    """

    def __init__(self, message: str, code: str, *, transient: bool) -> None:
        self.code = code
        super().__init__(message, transient=transient)


@dataclass(frozen=True, slots=True)
class Stat:
    """What a server says of an object beside its bytes."""

    size: int  # bytes of the whole object
    etag: str  # without quotes
    sha256: str | None  # None: the object was not stored by us
    sse: str | None  # how it is encrypted at rest: AES256, aws:kms

    @classmethod
    def of(cls, fields: Mapping[str, str], size: int) -> Stat:
        """Read the fields of a response (lower-case names)."""
        etag = fields.get("etag", "").strip('"')
        return cls(size, etag, fields.get(SHA256_FIELD), fields.get(SSE_FIELD))


@dataclass(frozen=True, slots=True)
class Condition:
    """When a write may happen: the object is absent, or is still the one of that ETag."""

    etag: str | None = None  # None: absent

    def fields(self) -> dict[str, str]:
        """RFC 9110, 13.1. Without quotes: Ceph 16 compares an If-Match as it is written."""
        return {"if-none-match": "*"} if self.etag is None else {"if-match": self.etag}


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing, in key order, and where the next one begins."""

    objects: tuple[ObjectInfo, ...]  # keys as the server has them, with the store's prefix
    more: str | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that was neither finished nor aborted."""

    key: str
    upload: str
    since: datetime


Marker = tuple[str, str]  # key and upload id that a listing of uploads goes on after


class Bucket(Protocol):
    """Single requests. Keys are the server's; fields are header names in lower case."""

    async def head(self, key: str) -> Stat:
        """Ask for an object's facts. Code ABSENT where there is none."""
        ...

    async def get(self, key: str, span: ByteRange | None) -> tuple[bytes, Stat]:
        """Read an object, or a range that is not empty, as far as it lies in the object."""
        ...

    async def put(
        self, key: str, data: bytes, fields: Mapping[str, str], condition: Condition
    ) -> None:
        """Write an object in one request. Code TAKEN where the condition does not hold."""
        ...

    async def start_upload(self, key: str, fields: Mapping[str, str]) -> str:
        """Begin an upload in parts; return its id."""
        ...

    async def put_part(
        self, key: str, upload: str, number: int, data: bytes, fields: Mapping[str, str]
    ) -> str:
        """Upload a part (numbered from 1); return its ETag."""
        ...

    async def finish_upload(self, key: str, upload: str, etags: tuple[str, ...]) -> None:
        """Make the object of its parts, if the server takes a condition: where there is none."""
        ...

    async def abort_upload(self, key: str, upload: str) -> None:
        """Forget an upload and its parts; one that is gone is fine."""
        ...

    async def page(self, prefix: str, more: str | None, limit: int = 1000) -> Page:
        """List keys that begin with the prefix."""
        ...

    async def uploads(
        self, prefix: str, after: Marker | None
    ) -> tuple[tuple[Unfinished, ...], Marker | None]:
        """List unfinished uploads under the prefix, and where the next page begins."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""
        ...

    async def presign(self, key: str, ttl_s: int) -> str:
        """Make a URL that reads the object for so long, for whoever has it."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


def whole_size(place: str, content_range: str | None, span: ByteRange | None, got: int) -> int:
    """Return an object's size by the answer to a request for all or for a range of it.

    S3Failure where the answer is for something else or shorter than it says.
    """
    if span is None:
        return got
    said = _CONTENT_RANGE.fullmatch(content_range or "")
    if said is None:
        raise S3Failure(f"{place}: the server ignores ranges", "NoRange", transient=False)
    start, last, size = map(int, said.groups())
    if (start, last + 1) != (span.start, min(span.end, size)) or got != last + 1 - start:
        raise S3Failure(f"{place}: another range came", "OtherRange", transient=True)
    return size

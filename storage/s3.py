"""A bucket through `aioboto3`: what the origin reads with, without threads.

Needs the extra `s3`. The client is made at the first request, in whichever event loop that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import aioboto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from storage import s3_errors
from storage.base import ByteRange, ObjectInfo
from storage.bucket import (
    ABSENT,
    UPLOAD_GONE,
    Condition,
    Marker,
    Page,
    S3Failure,
    Stat,
    Unfinished,
    whole_size,
)
from storage.bucket_rules import merged
from storage.bucket_store import BucketStore
from storage.s3_place import S3Place
from storage.uploads import Rules

_CONNECT_S = 5.0

# What a request's fields are called by this client; `x-amz-meta-` is its Metadata.
_PARAMETERS = {
    "cache-control": "CacheControl",
    "content-md5": "ContentMD5",
    "content-type": "ContentType",
    "if-match": "IfMatch",
    "if-none-match": "IfNoneMatch",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
}
_META = "x-amz-meta-"

_CODES: tuple[tuple[type[Exception], str], ...] = (
    (NoCredentialsError, s3_errors.NO_CREDENTIALS),
    (PartialCredentialsError, s3_errors.NO_CREDENTIALS),
    (CredentialRetrievalError, s3_errors.NO_CREDENTIALS),
    (MetadataRetrievalError, s3_errors.NO_CREDENTIALS),
    (ConnectTimeoutError, s3_errors.TIMED_OUT),
    (ReadTimeoutError, s3_errors.TIMED_OUT),
    (EndpointConnectionError, s3_errors.UNREACHABLE),
    (ResponseParserError, s3_errors.UNREADABLE),
)


class S3Store(BucketStore):
    """An ObjectStore of a bucket, for one event loop."""

    def __init__(self, place: S3Place, rules: Rules) -> None:
        self._s3 = S3Bucket(place)
        super().__init__(self._s3, rules)

    async def set_lifecycle(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Set these rules of ours on the bucket; those of others stay."""
        await self._s3.set_lifecycle(rules)


class S3Bucket:
    """Single requests over a pool of connections."""

    def __init__(self, place: S3Place) -> None:
        self._place = place
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None

    async def head(self, key: str) -> Stat:
        """Ask for an object's facts."""
        answer = await self._ask("head_object", Key=key)
        fields = _fields(answer)
        return Stat.of(fields, int(fields.get("content-length", "0")))

    async def get(self, key: str, span: ByteRange | None) -> tuple[bytes, Stat]:
        """Read an object, or a range of it."""
        asked = {} if span is None else {"Range": f"bytes={span.start}-{span.end - 1}"}
        answer = await self._ask("get_object", Key=key, **asked)
        body = answer["Body"]
        try:
            data: bytes = await body.read()
        except Exception as exc:  # any: the library lets some of aiohttp's errors through
            raise s3_errors.failure(self._place.label, _code(exc)) from exc
        finally:
            body.close()  # after its last byte the connection is not this body's any more
        fields = _fields(answer)
        size = whole_size(self._place.label, fields.get("content-range"), span, len(data))
        return data, Stat.of(fields, size)

    async def put(
        self, key: str, data: bytes, fields: Mapping[str, str], condition: Condition
    ) -> None:
        """Write an object, if the condition holds."""
        parameters = _parameters({**fields, **condition.fields()})
        await self._ask("put_object", Key=key, Body=data, **parameters)

    async def start_upload(self, key: str, fields: Mapping[str, str]) -> str:
        """Begin an upload in parts."""
        answer = await self._ask("create_multipart_upload", Key=key, **_parameters(fields))
        upload: str = answer["UploadId"]
        return upload

    async def put_part(
        self, key: str, upload: str, number: int, data: bytes, fields: Mapping[str, str]
    ) -> str:
        """Upload a part."""
        part = {"Key": key, "UploadId": upload, "PartNumber": number, "Body": data}
        answer = await self._ask("upload_part", **part, **_parameters(fields))
        return _fields(answer).get("etag", "").strip('"')

    async def finish_upload(self, key: str, upload: str, etags: tuple[str, ...]) -> None:
        """Make the object of its parts."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        await self._ask(
            "complete_multipart_upload",
            Key=key,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
            **_parameters(Condition().fields()),
        )

    async def abort_upload(self, key: str, upload: str) -> None:
        """Forget an upload and its parts."""
        try:
            await self._ask("abort_multipart_upload", Key=key, UploadId=upload)
        except S3Failure as exc:
            if exc.code not in {UPLOAD_GONE, ABSENT}:
                raise

    async def page(self, prefix: str, more: str | None, limit: int = 1000) -> Page:
        """List keys that begin with the prefix."""
        token = {} if more is None else {"ContinuationToken": more}
        answer = await self._ask("list_objects_v2", Prefix=prefix, MaxKeys=limit, **token)
        objects = tuple(
            ObjectInfo(one["Key"], one["Size"], one["LastModified"])
            for one in answer.get("Contents", ())
        )
        return Page(objects, answer.get("NextContinuationToken"))

    async def uploads(
        self, prefix: str, after: Marker | None
    ) -> tuple[tuple[Unfinished, ...], Marker | None]:
        """List unfinished uploads."""
        markers = {} if after is None else {"KeyMarker": after[0], "UploadIdMarker": after[1]}
        answer = await self._ask("list_multipart_uploads", Prefix=prefix, **markers)
        found = tuple(
            Unfinished(one["Key"], one["UploadId"], one["Initiated"])
            for one in answer.get("Uploads", ())
        )
        is_cut = answer.get("IsTruncated") and found
        return found, (found[-1].key, found[-1].upload) if is_cut else None

    async def delete(self, key: str) -> None:
        """Remove an object. Some servers say of one that is gone that it is not there."""
        try:
            await self._ask("delete_object", Key=key)
        except S3Failure as exc:
            if exc.code != ABSENT:
                raise

    async def presign(self, key: str, ttl_s: int) -> str:
        """Make a URL that reads the object; signed here, nobody is asked."""
        client = await self._opened()
        with self._failing("GET"):
            url: str = await client.generate_presigned_url(
                "get_object", Params={"Bucket": self._place.bucket, "Key": key}, ExpiresIn=ttl_s
            )
        return url

    async def set_lifecycle(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Set these rules of ours; those of others stay."""
        try:
            answer = await self._ask("get_bucket_lifecycle_configuration")
            existing = answer.get("Rules", [])
        except S3Failure as exc:
            if exc.code != "NoSuchLifecycleConfiguration":
                raise
            existing = []
        wanted = {"Rules": merged(existing, rules)}
        await self._ask("put_bucket_lifecycle_configuration", LifecycleConfiguration=wanted)

    async def close(self) -> None:
        """Release connections."""
        await self._stack.aclose()
        self._client = None

    async def _opened(self) -> Any:
        async with self._opening:
            if self._client is None:
                with self._failing("GET"):
                    self._client = await self._stack.enter_async_context(_client(self._place))
        return self._client

    async def _ask(self, operation: str, **parameters: object) -> Any:
        """One request, or S3Failure."""
        client = await self._opened()
        with self._failing("HEAD" if operation == "head_object" else ""):
            return await getattr(client, operation)(Bucket=self._place.bucket, **parameters)

    @contextmanager
    def _failing(self, method: str) -> Iterator[None]:
        try:
            yield
        except ClientError as exc:
            raise self._refusal(exc, method) from exc
        except (BotoCoreError, ResponseParserError, OSError, TimeoutError) as exc:
            raise s3_errors.failure(self._place.label, _code(exc)) from exc

    def _refusal(self, exc: ClientError, method: str) -> S3Failure:
        said = exc.response.get("ResponseMetadata", {})
        status, date = said.get("HTTPStatusCode"), said.get("HTTPHeaders", {}).get("date")
        code = exc.response.get("Error", {}).get("Code", "")
        if method == "HEAD":  # without a body: the code is the status
            code = {404: ABSENT, 403: s3_errors.FORBIDDEN}.get(status, code)
        return s3_errors.failure(self._place.label, code, status, date)


def _client(place: S3Place) -> Any:
    given = place.credentials
    session = aioboto3.Session(
        aws_access_key_id=given.access_key if given else None,
        aws_secret_access_key=given.secret_key if given else None,
        aws_session_token=given.session_token if given else None,
    )
    config = Config(
        signature_version="s3v4",  # URLs would be signed by the second version otherwise
        connect_timeout=_CONNECT_S,
        read_timeout=place.timeout_s,
        max_pool_connections=place.connections,
        retries={"total_max_attempts": 1},  # `storage.retrying` tries again, for a bounded time
        # CRC trailers are not for every server; what we compare is our own SHA-256.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "virtual" if place.is_virtual else "path"},
    )
    return session.client(
        "s3",
        endpoint_url=place.endpoint,
        region_name=place.region,
        verify=str(place.ca_file) if place.ca_file else None,
        config=config,
    )


def _parameters(fields: Mapping[str, str]) -> dict[str, Any]:
    meta = {
        name.removeprefix(_META): value for name, value in fields.items() if name.startswith(_META)
    }
    named = {_PARAMETERS[name]: value for name, value in fields.items() if name in _PARAMETERS}
    return {**named, "Metadata": meta} if meta else named


def _fields(answer: Mapping[str, Any]) -> dict[str, str]:
    fields: dict[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return fields


def _code(exc: Exception) -> str:
    """What kept a request from being answered."""
    if isinstance(exc, SSLError):
        return s3_errors.tls_code(exc)
    for kind, code in _CODES:
        if isinstance(exc, kind):
            return code
    return s3_errors.CUT_OFF

"""A bucket through the blocking `minio` client, in threads: what the pipeline writes with.

Needs the extra `s3`. The client has no public way to send a condition or a hash with a write, so
requests go through its one general method, which signs them; `pyproject.toml` holds its version.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TypeVar
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import (
    AWSConfigProvider,
    ChainedProvider,
    EnvAWSProvider,
    IamAwsProvider,
    Provider,
    StaticProvider,
)
from minio.datatypes import ListMultipartUploadsResult, parse_list_objects
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HttpTimeout
from urllib3.response import BaseHTTPResponse

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
from storage.bucket_store import BucketStore
from storage.s3_errors import UNREADABLE
from storage.s3_place import AMAZON, S3Place
from storage.uploads import Rules

_T = TypeVar("_T")

_CONNECT_S = 5.0
_NAMES = {"content-md5": "Content-MD5"}  # the client adds its own where it does not see one
_LONG_AGO = datetime.fromtimestamp(0, UTC)
_METADATA_S = 2.0  # of a machine at Amazon; elsewhere nobody answers


class MinioStore(BucketStore):
    """An ObjectStore of a bucket, by blocking requests in threads."""

    def __init__(self, place: S3Place, rules: Rules) -> None:
        super().__init__(MinioBucket(place), rules)


class MinioBucket:
    """Single requests, one thread each while it runs."""

    def __init__(self, place: S3Place) -> None:
        self._place = place
        # Before a thread is taken: those are everybody's, and no more than so many wait for us.
        self._gate = asyncio.Semaphore(place.connections)
        address = urlsplit(place.endpoint or AMAZON)
        self._http = urllib3.PoolManager(
            maxsize=place.connections,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=place.timeout_s),
            retries=False,  # `storage.retrying` tries again, for a bounded time
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(place.ca_file or certifi.where()),
        )
        self._client = Minio(
            address.netloc,
            secure=address.scheme == "https",
            region=place.region,
            http_client=self._http,
            credentials=_Known(place),
        )
        if place.is_virtual:
            self._client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]  # as it is

    async def head(self, key: str) -> Stat:
        """Ask for an object's facts."""
        answer = await self._ask("HEAD", key)
        fields = _fields(answer)
        return Stat.of(fields, int(fields.get("content-length", "0")))

    async def get(self, key: str, span: ByteRange | None) -> tuple[bytes, Stat]:
        """Read an object, or a range of it."""
        asked = {} if span is None else {"range": f"bytes={span.start}-{span.end - 1}"}
        answer = await self._ask("GET", key, fields=asked)
        fields = _fields(answer)
        size = whole_size(self._place.label, fields.get("content-range"), span, len(answer.data))
        return answer.data, Stat.of(fields, size)

    async def put(
        self, key: str, data: bytes, fields: Mapping[str, str], condition: Condition
    ) -> None:
        """Write an object, if the condition holds."""
        await self._ask("PUT", key, data, {**fields, **condition.fields()})

    async def start_upload(self, key: str, fields: Mapping[str, str]) -> str:
        """Begin an upload in parts."""
        answer = await self._ask("POST", key, fields=fields, query={"uploads": ""})
        found = re.search(r"<UploadId>([^<]+)</UploadId>", answer.data.decode("utf-8", "replace"))
        if found is None:
            raise s3_errors.failure(self._place.label, UNREADABLE)
        return unescape(found[1])

    async def put_part(
        self, key: str, upload: str, number: int, data: bytes, fields: Mapping[str, str]
    ) -> str:
        """Upload a part."""
        query = {"partNumber": str(number), "uploadId": upload}
        answer = await self._ask("PUT", key, data, fields, query)
        return _fields(answer).get("etag", "").strip('"')

    async def finish_upload(self, key: str, upload: str, etags: tuple[str, ...]) -> None:
        """Make the object of its parts."""
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in enumerate(etags, 1)
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        fields = {"content-type": "application/xml", **Condition().fields()}
        answer = await self._ask("POST", key, body, fields, {"uploadId": upload})
        if b"<Error>" in answer.data:  # a 200 is sent before the parts are joined
            raise self._failure(S3Error.fromxml(answer), "POST")

    async def abort_upload(self, key: str, upload: str) -> None:
        """Forget an upload and its parts."""
        try:
            await self._ask("DELETE", key, query={"uploadId": upload})
        except S3Failure as exc:
            if exc.code not in {UPLOAD_GONE, ABSENT}:
                raise

    async def page(self, prefix: str, more: str | None, limit: int = 1000) -> Page:
        """List keys that begin with the prefix."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(limit)}
        if more is not None:
            query["continuation-token"] = more
        answer = await self._ask("GET", None, query=query)
        try:
            found, is_cut, token, _ = parse_list_objects(answer)
        except (SyntaxError, ValueError) as exc:  # ParseError is a SyntaxError
            raise s3_errors.failure(self._place.label, UNREADABLE) from exc
        objects = tuple(
            ObjectInfo(one.object_name or "", one.size or 0, one.last_modified) for one in found
        )
        return Page(objects, token if is_cut else None)

    async def uploads(
        self, prefix: str, after: Marker | None
    ) -> tuple[tuple[Unfinished, ...], Marker | None]:
        """List unfinished uploads."""
        query = {"uploads": "", "prefix": prefix}
        if after is not None:
            query |= {"key-marker": after[0], "upload-id-marker": after[1]}
        answer = await self._ask("GET", None, query=query)
        try:
            page = ListMultipartUploadsResult(answer)
        except (SyntaxError, ValueError) as exc:
            raise s3_errors.failure(self._place.label, UNREADABLE) from exc
        found = tuple(
            Unfinished(one.object_name, one.upload_id or "", one.initiated_time or _LONG_AGO)
            for one in page.uploads
        )
        return found, (found[-1].key, found[-1].upload) if page.is_truncated and found else None

    async def delete(self, key: str) -> None:
        """Remove an object."""
        try:
            await self._ask("DELETE", key)
        except S3Failure as exc:
            if exc.code != ABSENT:
                raise

    async def presign(self, key: str, ttl_s: int) -> str:
        """Make a URL that reads the object; signed here, nobody is asked."""
        ttl = timedelta(seconds=ttl_s)
        return await _in_thread(
            lambda: self._client.presigned_get_object(self._place.bucket, key, ttl)
        )

    async def close(self) -> None:
        """Release connections."""
        self._http.clear()

    async def _ask(
        self,
        method: str,
        key: str | None,
        data: bytes | None = None,
        fields: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> BaseHTTPResponse:
        """One request, or S3Failure."""

        def ask() -> BaseHTTPResponse:
            return self._client._execute(  # noqa: SLF001 - see the module's docstring
                method,
                self._place.bucket,
                key,
                body=data,
                headers={_NAMES.get(name, name): text for name, text in (fields or {}).items()},
                query_params=dict(query or {}),
            )

        try:
            async with self._gate:
                return await _in_thread(ask)
        except _ERRORS as exc:
            raise self._failure(exc, method) from exc

    def _failure(self, exc: Exception, method: str) -> S3Failure:
        place = self._place.label
        match exc:
            case S3Error(code=code, response=response):
                is_bare = method == "HEAD" and response.status == 403
                said = s3_errors.FORBIDDEN if is_bare else (code or "")
                return s3_errors.failure(place, said, response.status, response.headers.get("date"))
            case ServerError():
                return s3_errors.failure(place, "", exc.status_code)
            case InvalidResponseError():  # not XML: some proxy's word, or no S3 server at all
                status = exc._code  # noqa: SLF001 - it is nowhere else
                return s3_errors.failure(place, "" if status >= 500 else UNREADABLE, status)
            case _:
                return s3_errors.failure(place, _code(exc))


def _code(exc: Exception) -> str:
    """What kept a request from being answered."""
    if isinstance(exc, SSLError):
        return s3_errors.tls_code(exc)
    for kind, code in _CODES:
        if isinstance(exc, kind):
            return code
    return s3_errors.CUT_OFF


class _NoCredentials(OSError):
    """Neither the environment, nor the usual file, nor this machine's role has any."""


_ERRORS = (
    S3Error,
    ServerError,
    InvalidResponseError,
    HTTPError,
    OSError,
    SyntaxError,  # an XML parser's
)
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (_NoCredentials, s3_errors.NO_CREDENTIALS),
    (NewConnectionError, s3_errors.UNREACHABLE),
    (HttpTimeout, s3_errors.TIMED_OUT),
    (SyntaxError, UNREADABLE),
)


class _Known(Provider):
    """The credentials of the settings, or those that AWS tools would find."""

    def __init__(self, place: S3Place) -> None:
        given = place.credentials
        metadata = urllib3.PoolManager(timeout=_METADATA_S, retries=False)
        self._provider: Provider = (
            StaticProvider(given.access_key, given.secret_key, given.session_token)
            if given
            else ChainedProvider(
                [EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider(http_client=metadata)]
            )
        )

    def retrieve(self) -> Credentials:
        """Find them; _NoCredentials where there are none."""
        try:
            return self._provider.retrieve()
        except (ValueError, HTTPError, OSError) as exc:
            raise _NoCredentials from exc


def _fields(answer: BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


async def _in_thread(call: Callable[[], _T]) -> _T:
    """Run a request in a thread; who is cancelled waits for its end.

    So nothing is written any more after a cancelled write has returned.
    """
    running = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at: nobody else will
        raise

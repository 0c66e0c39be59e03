"""What a bucket's store does beyond the contract: parts, claims, encryption, URLs, clear errors."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import minio.time
import pytest

from pipeline.planning.capacity import put_requests
from storage import claims
from storage.base import ObjectExists, ObjectInfo, ObjectNotFound, StorageError, Sweepable
from storage.bucket import Page, Stat
from storage.bucket_store import BucketStore
from storage.minio import MinioBucket
from storage.s3 import S3Bucket
from storage.s3_place import Credentials, S3Place
from tests.servers.buckets import BUCKET, KINDS, PART_BYTES, client, open_store, place, rules
from tests.servers.proxy import Fault, answer, proxying
from tests.servers.rgw import KMS_KEY
from tests.servers.s3_server import S3Server
from tests.support.certificates import server_pair

pytestmark = pytest.mark.server

KEY = "tracks/taaaaaaaaaaaaaaaaaaaa/0123456789abcdef/flac.mp4"
NOBODY = "127.0.0.1:9"  # the port of `discard`: given to no server that wants a free one


@dataclass(frozen=True, slots=True)
class Place:
    """A store, its prefix, and another maker's client to look behind it with."""

    kind: str
    server: S3Server
    prefix: str
    store: BucketStore
    s3: Any

    def object(self, key: str = KEY) -> Any:
        return self.s3.head_object(Bucket=BUCKET, Key=self.prefix + key)


@pytest.fixture(params=[f"{server} {kind}" for server in ("rgw", "moto") for kind in KINDS])
async def at(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    name, kind = request.param.split()
    server: S3Server = request.getfixturevalue(f"{name}_bucket")
    async with _place(server, kind) as found:
        yield found


@pytest.fixture(params=KINDS)
async def at_rgw(request: pytest.FixtureRequest, rgw_bucket: S3Server) -> AsyncIterator[Place]:
    async with _place(rgw_bucket, request.param) as found:
        yield found


class _place:  # noqa: N801 - a context manager
    def __init__(self, server: S3Server, kind: str) -> None:
        prefix = rules().prefix
        store = open_store(kind, server, prefix=prefix)
        self._place = Place(kind, server, prefix, store, client(server))

    async def __aenter__(self) -> Place:
        return self._place

    async def __aexit__(self, *_: object) -> None:
        await self._place.store.close()
        self._place.s3.close()


@pytest.fixture
def large(tmp_path: Path) -> Callable[[], Path]:
    """Files that go up in three parts, all different."""

    def make() -> Path:
        path = tmp_path / os.urandom(4).hex()
        path.write_bytes(os.urandom(2 * PART_BYTES + 1000))
        return path

    return make


async def test_an_object_carries_its_hash_and_what_players_need(at: Place) -> None:
    await at.store.put(KEY, b"abc")
    found = at.object()
    assert found["Metadata"] == {"sha256": hashlib.sha256(b"abc").hexdigest()}
    assert found["ContentType"] == "audio/mp4"
    assert found["CacheControl"] == "public, max-age=31536000, immutable"


async def test_a_large_file_goes_up_in_parts_and_keeps_every_rule(
    at: Place, large: Callable[[], Path]
) -> None:
    path = large()
    size = path.stat().st_size
    assert await at.store.put_file(KEY, path) == ObjectInfo(KEY, size)
    found = at.object()
    assert found["ETag"].endswith('-3"')
    assert found["Metadata"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert await at.store.get(KEY) == path.read_bytes()
    assert await at.store.put_file(KEY, path) == ObjectInfo(KEY, size)
    with pytest.raises(ObjectExists):
        await at.store.put_file(KEY, large())
    assert [found.key async for found in at.store.list("")] == [KEY]
    assert await leftovers(at.store) == []


class _Counted(MinioBucket):
    """A bucket that knows what it was asked, and how many parts were on their way at once."""

    sending = most = 0

    def __init__(self, place: S3Place) -> None:
        super().__init__(place)
        self.asked: Counter[str] = Counter()

    async def _ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.asked[method] += 1
        return await super()._ask(method, *args, **kwargs)

    async def put_part(
        self, key: str, upload: str, number: int, data: bytes, fields: Mapping[str, str]
    ) -> str:
        self.sending += 1
        self.most = max(self.most, self.sending)
        try:
            return await super().put_part(key, upload, number, data, fields)
        finally:
            self.sending -= 1


async def test_so_many_parts_go_up_at_a_time_of_all_files_together(
    moto_bucket: S3Server, large: Callable[[], Path]
) -> None:
    bucket = _Counted(place(moto_bucket))
    store = BucketStore(bucket, rules(parallel_parts=2))
    await asyncio.gather(*(store.put_file(f"{KEY}{number}", large()) for number in range(2)))
    assert (bucket.most, bucket.sending) == (2, 0)
    await store.put(f"{KEY}2", b"abc")
    # As `headwater plan` reckons them.
    planned = put_requests(2 * PART_BYTES + 1000, PART_BYTES) * 2 + put_requests(3)
    asked = bucket.asked
    assert (asked["PUT"] + asked["POST"], asked["HEAD"]) == (planned.writes, planned.checks)
    assert (asked["DELETE"], asked.total()) == (2, planned.writes + planned.checks + 2)
    await store.close()


async def test_of_many_writers_of_large_files_one_wins(
    at: Place, large: Callable[[], Path]
) -> None:
    paths = [large() for _ in range(3)]
    results = await asyncio.gather(
        *(at.store.put_file(KEY, path) for path in paths), return_exceptions=True
    )
    won = [path for path, one in zip(paths, results, strict=True) if isinstance(one, ObjectInfo)]
    assert len(won) == 1
    assert sum(isinstance(one, ObjectExists) for one in results) == 2
    assert await at.store.get(KEY) == won[0].read_bytes()
    assert await leftovers(at.store) == []


async def test_many_writers_of_one_large_file_all_succeed(
    at_rgw: Place, large: Callable[[], Path]
) -> None:
    path = large()
    await asyncio.gather(*(at_rgw.store.put_file(KEY, path) for _ in range(3)))
    assert await at_rgw.store.get(KEY) == path.read_bytes()
    assert await leftovers(at_rgw.store) == []


async def test_a_claim_for_other_bytes_is_waited_for(
    at_rgw: Place, large: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_WAIT_S", 0.2)
    put_claim(at_rgw, since=time.time())
    with pytest.raises(StorageError, match="by somebody else") as caught:
        await at_rgw.store.put_file(KEY, large())
    assert caught.value.transient
    with pytest.raises(ObjectNotFound):
        await at_rgw.store.head(KEY)


async def test_an_old_claim_is_taken_over(at_rgw: Place, large: Callable[[], Path]) -> None:
    put_claim(at_rgw, since=time.time() - 7200)
    path = large()
    await at_rgw.store.put_file(KEY, path)
    assert await at_rgw.store.get(KEY) == path.read_bytes()


def put_claim(at: Place, since: float) -> None:
    """A claim of a writer of other bytes."""
    body = f"{'0' * 64} {since:.0f}".encode()
    at.s3.put_object(Bucket=BUCKET, Key=f"{at.prefix}.claims/{KEY}", Body=body)


async def test_what_killed_writers_left_is_named_and_swept(at: Place) -> None:
    upload = at.s3.create_multipart_upload(Bucket=BUCKET, Key=at.prefix + KEY)["UploadId"]
    put_claim(at, since=0)
    assert isinstance(at.store, Sweepable)
    named = await leftovers(at.store)
    assert named == [f"{KEY}?{upload}", f".claims/{KEY}"]
    if at.server.name == "rgw":  # moto's uploads are all of 2010
        past = datetime.now(UTC) - timedelta(days=1)
        assert [one async for one in at.store.leftovers(past)] == []
    assert [found.key async for found in at.store.list("")] == []
    for name in named * 2:
        await at.store.sweep(name)
    assert await leftovers(at.store) == []


async def leftovers(store: BucketStore) -> list[str]:
    soon = datetime.now(UTC) + timedelta(days=1)
    return [one async for one in store.leftovers(soon)]


async def test_an_object_of_another_tool_is_compared_by_its_bytes(at_rgw: Place) -> None:
    at_rgw.s3.put_object(Bucket=BUCKET, Key=at_rgw.prefix + KEY, Body=b"abc")
    assert await at_rgw.store.put(KEY, b"abc") == ObjectInfo(KEY, 3)
    with pytest.raises(ObjectExists):
        await at_rgw.store.put(KEY, b"abd")
    assert await at_rgw.store.get(KEY) == b"abc"


class SmallPages(MinioBucket):
    async def page(self, prefix: str, more: str | None, limit: int = 3) -> Page:
        return await super().page(prefix, more, min(limit, 3))


class SmallPagesToo(S3Bucket):
    async def page(self, prefix: str, more: str | None, limit: int = 3) -> Page:
        return await super().page(prefix, more, min(limit, 3))


async def test_a_listing_goes_on_page_after_page(at: Place) -> None:
    kind = SmallPages if at.kind == "minio" else SmallPagesToo
    store = BucketStore(kind(place(at.server)), rules(prefix=at.prefix))
    names = [f"a/{number}" for number in range(8)]
    for name in names:
        await store.put(name, name.encode())
    found = [one async for one in store.list("a/")]
    assert [one.key for one in found] == names
    assert all(one.modified is not None for one in found)
    await store.close()


async def test_a_url_reads_one_object_for_a_while(at_rgw: Place) -> None:
    await at_rgw.store.put(KEY, b"abc")
    url = await at_rgw.store.presign(KEY, timedelta(seconds=60))
    assert await asyncio.to_thread(read, url) == b"abc"
    changed = url.replace("X-Amz-Signature=", "X-Amz-Signature=0")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        await asyncio.to_thread(read, changed)
    for ttl in (timedelta(0), timedelta(days=8)):
        with pytest.raises(ValueError, match="1 to 604800 seconds"):
            await at_rgw.store.presign(KEY, ttl)


def read(url: str) -> bytes:
    with urllib.request.urlopen(url) as found:
        data: bytes = found.read()
    return data


async def test_encryption_that_is_ignored_is_an_error_and_leaves_nothing(at_rgw: Place) -> None:
    store = open_store(at_rgw.kind, at_rgw.server, prefix=at_rgw.prefix, sse="AES256")
    with pytest.raises(StorageError, match="does not encrypt it") as caught:
        await store.put(KEY, b"abc")
    await store.close()
    assert not caught.value.transient
    with pytest.raises(ObjectNotFound):
        await at_rgw.store.head(KEY)


async def test_objects_rest_encrypted_by_a_key_of_the_servers(
    at_rgw: Place, large: Callable[[], Path]
) -> None:
    kms = {"sse": "aws:kms", "sse_kms_key": KMS_KEY}
    store = open_store(at_rgw.kind, at_rgw.server, prefix=at_rgw.prefix, **kms)
    await store.put(KEY, b"abc")
    await store.put_file("large", large())
    await store.close()
    assert at_rgw.object()["SSEKMSKeyId"] == KMS_KEY
    assert at_rgw.object("large")["SSEKMSKeyId"] == KMS_KEY
    assert await at_rgw.store.get(KEY) == b"abc"


async def test_a_buckets_own_default_may_be_a_kms_key(
    at_rgw: Place, large: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS answers then: an encryption nobody asked for, and an ETag that is no MD5."""
    buckets: dict[str, Any] = {"minio": MinioBucket, "aioboto3": S3Bucket}
    bucket = buckets[at_rgw.kind]
    head = bucket.head

    async def encrypted(self: Any, key: str) -> Stat:
        stat: Stat = await head(self, key)
        parts = "-3" if stat.size > PART_BYTES else ""
        return replace(stat, sse="aws:kms:dsse", etag="0" * 32 + parts)

    monkeypatch.setattr(bucket, "head", encrypted)
    await at_rgw.store.put(KEY, b"abc")
    path = large()
    await at_rgw.store.put_file("large", path)
    assert await at_rgw.store.get("large") == path.read_bytes()


async def test_objects_rest_encrypted_by_the_server(moto_bucket: S3Server) -> None:
    for kind in KINDS:
        store = open_store(kind, moto_bucket, sse="AES256")
        await store.put(KEY, b"abc")
        assert await store.get(KEY) == b"abc"
        await store.close()


@dataclass(frozen=True, slots=True)
class Wrong:
    """A mistake, and the words of its message."""

    said: str
    place: dict[str, Any]
    transient: bool = False


SECRET = "wrong-secret-canary"
WRONGS = {
    "access key": Wrong("access key is not known", {"credentials": Credentials("AKNO", SECRET)}),
    "secret": Wrong("secret key is wrong", {"credentials": Credentials("AKHEADWATERTEST", SECRET)}),
    "bucket": Wrong("there is no such bucket .*set storage.bucket", {"bucket": "nobodys-bucket"}),
    "endpoint": Wrong("nobody answers there", {"endpoint": f"http://{NOBODY}"}, transient=True),
    "tls": Wrong("no TLS can be agreed on", {"endpoint": "https"}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_no_more_requests_at_a_time_than_are_set(kind: str) -> None:
    running, most = 0, 0
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        serving.add(asyncio.current_task())
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.05)  # for the others, if they came
                running -= 1
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "e"\r\n\r\n')

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    at = S3Server("a slow one", f"http://127.0.0.1:{port}", "AKTEST", SECRET)
    store = KINDS[kind](place(at, connections=2), rules(retry_s=0.0))
    async with server:
        await asyncio.gather(*(store.head(f"{number}.mp4") for number in range(6)))
        await store.close()
        await asyncio.gather(*filter(None, serving))
    assert most == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", WRONGS)
async def test_what_is_wrong_is_said_in_one_line_without_secrets(
    rgw_bucket: S3Server, kind: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "storage")
    wrong = WRONGS[what]
    changes = dict(wrong.place)
    if changes.get("endpoint") == "https":  # a server without TLS
        changes["endpoint"] = rgw_bucket.endpoint.replace("http:", "https:")
    store = KINDS[kind](place(rgw_bucket, **changes), rules(retry_s=0.0))
    calls: list[Callable[[], Awaitable[object]]] = [
        store.check,
        lambda: store.head(KEY),
        lambda: store.get(KEY),
        lambda: store.put(KEY, b"x"),
        lambda: store.delete(KEY),
    ]
    for call in calls:
        with pytest.raises(StorageError, match=wrong.said) as caught:
            await call()
        assert caught.value.transient or not wrong.transient
        assert not isinstance(caught.value, ObjectNotFound)
        text = str(caught.value) + caplog.text + repr(store)
        assert "\n" not in str(caught.value)
        assert SECRET not in text
        assert rgw_bucket.secret_key not in text
    await store.close()


async def test_a_clock_that_is_wrong_is_said(
    at_rgw: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta(hours=2)
    now, minio_now = botocore.auth.get_current_datetime, minio.time.utcnow

    def boto_clock(*args: Any, **named: Any) -> datetime:
        moment: datetime = now(*args, **named)
        return moment + ahead

    monkeypatch.setattr(botocore.auth, "get_current_datetime", boto_clock)
    monkeypatch.setattr(minio.time, "utcnow", lambda: minio_now() + ahead)
    with pytest.raises(StorageError, match="clock is") as caught:
        await at_rgw.store.head(KEY)
    assert not caught.value.transient


ANSWERS = {
    "another region": (answer(301, "PermanentRedirect"), "in another region .*storage.region"),
    "another region, signed": (
        answer(400, "AuthorizationHeaderMalformed"),
        "in another region .*storage.region",
    ),
    "expired": (answer(403, "ExpiredToken"), "credentials have expired"),
    "denied": (answer(403, "AccessDenied"), "access denied"),
    "quota": (answer(403, "QuotaExceeded"), "quota is used up"),
    "unknown": (answer(400, "StrangeThing"), "the server says 400 StrangeThing"),
    "broken": (answer(403, "<broken"), "the server says 403|the answer is not S3's"),
    "no S3": (
        b"HTTP/1.1 404 X\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>secret",
        "the server says 404|the answer is not S3's",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_server_refuses_is_said(moto_bucket: S3Server, kind: str) -> None:
    async with proxying(*moto_bucket.address) as proxy:
        store = KINDS[kind](place(moto_bucket, endpoint=proxy.endpoint), rules(retry_s=0.0))
        for said, message in ANSWERS.values():
            proxy.faults = [Fault("GET", times=9, answer=said)]  # a redirection is followed
            with pytest.raises(StorageError, match=message) as caught:
                await store.check()
            assert "secret" not in str(caught.value)
        await store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_without_credentials_it_says_so(
    rgw_bucket: S3Server, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    nobody = f"http://{NOBODY}/role"  # instead of the metadata service
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", nobody)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = KINDS[kind](place(rgw_bucket, credentials=None), rules(retry_s=0.0))
    with pytest.raises(StorageError, match="there are no credentials"):
        await store.check()
    await store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_credentials_of_the_environment_are_found(
    rgw_bucket: S3Server, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rgw_bucket.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rgw_bucket.secret_key)
    store = KINDS[kind](place(rgw_bucket, credentials=None), rules(retry_s=0.0))
    await store.check()
    await store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_with_tls_is_believed_by_its_certificate(
    rgw_bucket: S3Server, kind: str, tmp_path: Path, large: Callable[[], Path]
) -> None:
    certificate, context = tls(tmp_path)
    async with proxying(*rgw_bucket.address, tls=context) as proxy:
        far = {"endpoint": proxy.endpoint}
        stranger = KINDS[kind](place(rgw_bucket, **far), rules(retry_s=0.0))
        with pytest.raises(StorageError, match=r"certificate is not trusted \(set storage.ca_file"):
            await stranger.check()
        await stranger.close()
        store = KINDS[kind](place(rgw_bucket, **far, ca_file=certificate), rules())
        await store.put(KEY, b"abc")
        assert await store.get(KEY) == b"abc"
        path = large()
        await store.put_file("large", path)
        assert await store.get("large") == path.read_bytes()
        await store.close()


def tls(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this machine, and what a server needs of it."""
    pair = server_pair()
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(pair.pem)
    secret.write_bytes(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context

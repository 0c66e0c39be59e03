"""Storing and reading through a network that fails, before a real gateway, with both clients."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.base import ByteRange, ObjectExists, ObjectInfo, ObjectNotFound, StorageError
from storage.bucket_store import BucketStore
from tests.servers.buckets import KINDS, PART_BYTES, open_store, place, rules
from tests.servers.proxy import Fault, Proxy, answer, flip, proxying
from tests.servers.s3_server import S3Server

pytestmark = pytest.mark.server

KEY = "a/b.mp4"
DATA = bytes(range(256)) * 64


@dataclass(frozen=True, slots=True)
class Far:
    """A store whose every byte goes through the proxy."""

    store: BucketStore
    proxy: Proxy
    near: BucketStore  # the same place, without it
    server: S3Server
    prefix: str

    async def leftovers(self) -> list[str]:
        soon = datetime.now(UTC) + timedelta(days=1)
        return [one async for one in self.near.leftovers(soon)]


@pytest.fixture(params=KINDS)
async def far(request: pytest.FixtureRequest, rgw_bucket: S3Server) -> AsyncIterator[Far]:
    kind: str = request.param
    async with proxying(*rgw_bucket.address) as proxy:
        same = rules(retry_s=5.0)
        store = KINDS[kind](place(rgw_bucket, endpoint=proxy.endpoint, timeout_s=1.0), same)
        near = open_store(kind, rgw_bucket, prefix=same.prefix)
        try:
            yield Far(store, proxy, near, rgw_bucket, same.prefix)
        finally:
            await store.close()
            await near.close()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that goes up in three parts."""
    path = tmp_path / "large"
    path.write_bytes(os.urandom(2 * PART_BYTES + 1000))
    return path


def shorter(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """An answer whose head promises a byte less than there is."""
    return head.replace(b"%d" % len(body), b"%d" % (len(body) - 1)), body


def longer(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """An answer whose head promises a byte more than there is."""
    return head.replace(b"%d" % len(body), b"%d" % (len(body) + 1)), body


def flipped(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """An answer with one bit turned over."""
    return head, flip(1000)(body)


def another_range(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """An answer to another request than ours."""
    return head.replace(b"bytes 100-199/", b"bytes 101-200/"), body


READING = {
    "cut in its head": Fault("GET", response_bytes=0),
    "cut in its body": Fault("GET", response_bytes=5000),
    "lost": Fault("GET", is_lost=True),
    "late": Fault("GET", delay_s=2.0),
    "shorter than it says": Fault("GET", response=longer),
    "longer than it says": Fault("GET", response=shorter),
    "with a bit turned over": Fault("GET", response=flipped),
    "503, three times": Fault("GET", times=3, answer=answer(503, "SlowDown")),
    "500, of no known kind": Fault("GET", answer=answer(500, "UnknownError")),
    "502, of a proxy": Fault(
        "GET",
        answer=b"HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<p>no",
    ),
}


async def test_a_whole_object_comes_right(far: Far) -> None:
    await far.near.put(KEY, DATA)
    for what, fault in READING.items():
        far.proxy.faults = [fault]
        assert await far.store.get(KEY) == DATA, what
        assert not far.proxy.faults, what


async def test_a_range_comes_right(far: Far) -> None:
    await far.near.put(KEY, DATA)
    for fault in (
        Fault("GET", response_bytes=50),
        Fault("GET", response=another_range),
        Fault("GET", times=2, answer=answer(503, "SlowDown")),
    ):
        far.proxy.faults = [fault]
        assert await far.store.get(KEY, ByteRange(100, 200)) == DATA[100:200]
        assert not far.proxy.faults


async def test_what_does_not_pass_ends_after_a_bounded_time(far: Far) -> None:
    far.proxy.faults = [Fault("GET", times=1000, answer=answer(503, "SlowDown"))]
    began = asyncio.get_running_loop().time()
    with pytest.raises(StorageError, match="fewer requests") as caught:
        await far.store.get(KEY)
    assert caught.value.transient
    assert asyncio.get_running_loop().time() - began < 15


async def test_what_cannot_be_mended_by_trying_again_is_not_tried_again(far: Far) -> None:
    far.proxy.faults = [Fault("GET", times=5, answer=answer(403, "AccessDenied"))]
    with pytest.raises(StorageError, match="access denied") as caught:
        await far.store.get(KEY)
    assert not caught.value.transient
    assert len(far.proxy.faults) == 1
    assert far.proxy.faults[0].times == 4


WRITING = {
    "cut on its way there": Fault("PUT", request_bytes=5000),
    "with a bit turned over": Fault("PUT", request=flip(1000)),
    "stored, the answer lost": Fault("PUT", is_lost=True),
    "answered late": Fault("PUT", delay_s=2.0),
    "503, three times": Fault("PUT", times=3, answer=answer(503, "ServiceUnavailable")),
}


async def test_a_small_object_is_stored_right(far: Far) -> None:
    for number, (what, fault) in enumerate(WRITING.items()):
        far.proxy.faults = [fault]
        key = f"{number}.mp4"
        assert await far.store.put(key, DATA) == ObjectInfo(key, len(DATA)), what
        assert not far.proxy.faults, what
        assert await far.near.get(key) == DATA, what


async def test_a_large_object_is_stored_right_though_a_part_is_not(far: Far, large: Path) -> None:
    for number, (what, fault) in enumerate(WRITING.items()):
        far.proxy.faults = [fault]
        key = f"{number}.mp4"
        await far.store.put_file(key, large)
        assert not far.proxy.faults, what
        assert await far.near.get(key) == large.read_bytes(), what
    assert await far.leftovers() == []


async def test_the_answer_to_a_completion_may_be_lost(far: Far, large: Path) -> None:
    far.proxy.faults = [Fault("POST", skip=1, is_lost=True)]  # the first POST begins the upload
    await far.store.put_file(KEY, large)
    assert not far.proxy.faults
    assert await far.near.get(KEY) == large.read_bytes()
    assert await far.leftovers() == []


async def test_a_completed_upload_that_is_gone_is_not_asked_for_again(
    far: Far, large: Path
) -> None:
    """Ceph and Amazon say once more that it is made; MinIO that there is no such upload."""
    far.proxy.faults = [
        Fault("POST", skip=1, is_lost=True),
        Fault("POST", times=1000, answer=answer(404, "NoSuchUpload")),
    ]
    await far.store.put_file(KEY, large)
    assert await far.near.get(KEY) == large.read_bytes()
    assert sum(line.startswith("POST") for line in far.proxy.seen) == 3


async def test_an_upload_that_is_gone_is_not_asked_for_again(far: Far, large: Path) -> None:
    """Somebody swept it: the whole file may be sent again later, this part never."""
    far.proxy.faults = [Fault("PUT", times=1000, answer=answer(404, "NoSuchUpload"))]
    with pytest.raises(StorageError, match="upload is gone") as caught:
        await far.store.put_file(KEY, large)
    assert caught.value.transient
    assert sum(line.startswith("PUT") for line in far.proxy.seen) <= 3


async def test_a_server_that_holds_other_bytes_is_found_out(far: Far) -> None:
    def another_length(head: bytes, body: bytes) -> tuple[bytes, bytes]:
        return head.replace(b"%d" % len(DATA), b"%d" % (len(DATA) - 1)), body

    far.proxy.faults = [Fault("HEAD", response=another_length)]
    with pytest.raises(StorageError, match="other bytes than it was sent") as caught:
        await far.store.put(KEY, DATA)
    assert caught.value.transient
    with pytest.raises(ObjectNotFound):
        await far.near.head(KEY)


async def test_an_upload_that_fails_leaves_nothing(far: Far, large: Path) -> None:
    far.proxy.faults = [Fault("PUT", times=1000, answer=answer(403, "AccessDenied"))]
    with pytest.raises(StorageError, match="access denied"):
        await far.store.put_file(KEY, large)
    assert await far.leftovers() == []
    with pytest.raises(ObjectNotFound):
        await far.near.head(KEY)


async def test_an_upload_that_is_interrupted_leaves_nothing(far: Far, large: Path) -> None:
    far.proxy.faults = [Fault("PUT", times=3, delay_s=0.5)]
    task = asyncio.create_task(far.store.put_file(KEY, large))
    await far.proxy.has_put.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await far.leftovers() == []
    with pytest.raises(ObjectNotFound):
        await far.near.head(KEY)


_WRITER = """
import asyncio, sys
from pathlib import Path
from tests.servers.buckets import KINDS, place, rules
from tests.servers.s3_server import S3Server

kind, endpoint, access_key, secret_key, prefix, file = sys.argv[1:]
server = S3Server("rgw", endpoint, access_key, secret_key)
store = KINDS[kind](place(server), rules(prefix=prefix))
asyncio.run(store.put_file("a/b.mp4", Path(file)))
"""


async def killed(far: Far, large: Path) -> None:
    """A process that puts the file through the proxy, ended by -9 while a fault holds it up."""
    kind = next(name for name, one in KINDS.items() if isinstance(far.store, one))
    rgw = far.server
    place_of = (kind, far.proxy.endpoint, rgw.access_key, rgw.secret_key, far.prefix, str(large))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, *place_of, cwd=Path(__file__).parents[2]
    )
    try:
        await asyncio.wait_for(far.proxy.is_holding.wait(), 60)
    finally:
        process.kill()
        await process.wait()


async def test_a_writer_that_is_killed_amid_its_parts_leaves_only_what_is_swept(
    far: Far, large: Path
) -> None:
    far.proxy.faults = [Fault("PUT", skip=1, delay_s=60)]
    await killed(far, large)
    with pytest.raises(ObjectNotFound):
        await far.near.head(KEY)
    [left] = await far.leftovers()
    await far.near.sweep(left)
    await far.near.put_file(KEY, large)
    assert await far.near.get(KEY) == large.read_bytes()
    assert await far.leftovers() == []


async def test_a_writer_that_is_killed_after_the_last_step_has_stored_it(
    far: Far, large: Path
) -> None:
    far.proxy.faults = [Fault("POST", skip=1, delay_s=60)]  # completed, and not yet told
    await killed(far, large)
    assert await far.near.get(KEY) == large.read_bytes()
    assert await far.leftovers() == [f".claims/{KEY}"]
    await far.near.put_file(KEY, large)
    large.write_bytes(bytes(3 * PART_BYTES))
    with pytest.raises(ObjectExists):
        await far.near.put_file(KEY, large)

"""What every object store does. A new store is added to `store` and nothing else here changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.base import (
    ByteRange,
    InvalidKey,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    ObjectStore,
)
from storage.local import LocalStore
from storage.testing import MemoryStore
from tests.servers.buckets import open_store

KEY = "tracks/taaaaaaaaaaaaaaaaaaaa/0123456789abcdef/aac-128k.mp4"

BAD_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    ".tmp/a",
    "a\0b",
    "a\nb",
    "a\\b",
    "a b",
    "ä",
    "a:b",
    "~/a",
    "a" * 201,
    "a/" * 600 + "a",
]


STORES = (
    "memory",
    "local",
    *(
        pytest.param(f"{server} {client}", marks=pytest.mark.server)
        for server in ("rgw", "moto")
        for client in ("minio", "aioboto3")
    ),
)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    one = make(request, tmp_path)
    yield one
    await one.close()


def make(request: pytest.FixtureRequest, folder: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "local":
        return LocalStore(folder / "s")
    server, client = request.param.split()
    return open_store(client, request.getfixturevalue(f"{server}_bucket"))


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key async for info in store.list(prefix)]


async def test_what_was_put_is_got(store: ObjectStore) -> None:
    assert await store.put(KEY, b"abc") == ObjectInfo(KEY, 3)
    assert await store.get(KEY) == b"abc"
    assert await store.head(KEY) == ObjectInfo(KEY, 3)


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    await store.put(KEY, b"")
    assert await store.get(KEY) == b""
    assert await store.get(KEY, ByteRange(0, 0)) == b""
    assert (await store.head(KEY)).size == 0


async def test_a_range_is_cut_out_of_the_object(store: ObjectStore) -> None:
    await store.put(KEY, b"abcdef")
    for start, end in ((0, 6), (0, 1), (2, 5), (5, 6), (3, 3), (6, 6)):
        assert await store.get(KEY, ByteRange(start, end)) == b"abcdef"[start:end]


async def test_a_range_outside_of_the_object_is_refused(store: ObjectStore) -> None:
    await store.put(KEY, b"abcdef")
    for start, end in ((0, 7), (6, 7), (7, 8), (9, 9)):
        with pytest.raises(ValueError, match="has 6 bytes"):
            await store.get(KEY, ByteRange(start, end))


async def test_the_same_bytes_again_are_a_no_op(store: ObjectStore) -> None:
    await store.put(KEY, b"abc")
    assert await store.put(KEY, b"abc") == ObjectInfo(KEY, 3)
    assert await keys(store, "") == [KEY]


async def test_nothing_is_ever_overwritten(store: ObjectStore) -> None:
    await store.put(KEY, b"abc")
    for other in (b"abd", b"ab", b"abcd", b""):
        with pytest.raises(ObjectExists) as caught:
            await store.put(KEY, other)
        assert "aac-128k.mp4" in str(caught.value)
        assert not caught.value.transient
        assert await store.get(KEY) == b"abc"


async def test_a_file_is_put_and_stays_where_it_is(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc" * 1_000_000)
    assert await store.put_file(KEY, source) == ObjectInfo(KEY, 3_000_000)
    assert await store.put_file(KEY, source) == ObjectInfo(KEY, 3_000_000)
    assert await store.get(KEY) == source.read_bytes()
    source.write_bytes(b"abd" * 1_000_000)
    with pytest.raises(ObjectExists):
        await store.put_file(KEY, source)
    assert await store.get(KEY, ByteRange(2_999_997, 3_000_000)) == b"abc"


async def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFound) as caught:
        await store.get(KEY)
    assert KEY in str(caught.value)
    assert not caught.value.transient
    with pytest.raises(ObjectNotFound):
        await store.get(KEY, ByteRange(0, 1))
    with pytest.raises(ObjectNotFound):
        await store.head(KEY)


async def test_a_prefix_of_a_key_is_not_an_object(store: ObjectStore) -> None:
    await store.put("a/b/c", b"x")
    for key in ("a", "a/b"):
        with pytest.raises(ObjectNotFound):
            await store.get(key)
        with pytest.raises(ObjectNotFound):
            await store.head(key)
        await store.delete(key)
    assert await keys(store, "") == ["a/b/c"]


async def test_a_key_below_an_object_is_not_found(store: ObjectStore) -> None:
    await store.put("a", b"x")
    with pytest.raises(ObjectNotFound):
        await store.get("a/b")
    with pytest.raises(ObjectNotFound):
        await store.head("a/b")
    await store.delete("a/b")
    assert await store.get("a") == b"x"


async def test_what_was_deleted_is_gone_and_may_be_put_anew(store: ObjectStore) -> None:
    await store.put(KEY, b"abc")
    await store.delete(KEY)
    await store.delete(KEY)
    with pytest.raises(ObjectNotFound):
        await store.head(KEY)
    await store.put(KEY, b"new")
    assert await store.get(KEY) == b"new"


async def test_listing_is_by_prefix_and_in_key_order(store: ObjectStore) -> None:
    names = ["a/1/x", "a/1-b", "a/1.c", "a/10/x", "a/2/y", "a1", "b/z", "a/1/w/v"]
    for name in names:
        await store.put(name, name.encode())
    assert await keys(store, "") == sorted(names)
    assert await keys(store, "a/") == sorted(name for name in names if name.startswith("a/"))
    assert await keys(store, "a/1") == ["a/1-b", "a/1.c", "a/1/w/v", "a/1/x", "a/10/x"]
    assert await keys(store, "a/1/") == ["a/1/w/v", "a/1/x"]
    assert await keys(store, "a/1/x") == ["a/1/x"]
    assert await keys(store, "c/") == []
    assert await keys(store, "a1/") == []
    assert [info.size async for info in store.list("a/10")] == [6]


async def test_an_empty_store_lists_nothing(store: ObjectStore) -> None:
    assert await keys(store, "") == []


async def test_a_bad_key_is_refused_everywhere(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    for key in BAD_KEYS:
        with pytest.raises(InvalidKey):
            await store.put(key, b"x")
        with pytest.raises(InvalidKey):
            await store.put_file(key, source)
        with pytest.raises(InvalidKey):
            await store.get(key)
        with pytest.raises(InvalidKey):
            await store.head(key)
        with pytest.raises(InvalidKey):
            await store.delete(key)
        with pytest.raises(InvalidKey):
            store.locate(key)


async def test_a_bad_prefix_is_refused(store: ObjectStore) -> None:
    for prefix in ("../", "/", "/etc/", "a/../../", ".tmp/"):
        with pytest.raises(InvalidKey):
            await keys(store, prefix)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(alphabet="aZ09._-/\\~ \0\n:é", max_size=14)
    | st.lists(st.sampled_from(["..", ".", "", "a", ".tmp", "b.c"]), max_size=5).map("/".join)
)
async def test_no_key_leaves_the_store(tmp_path: Path, key: str) -> None:
    root = tmp_path / "s"
    store = LocalStore(root)
    try:
        place = Path(store.locate(key))
    except InvalidKey:
        return
    relative = place.resolve().relative_to(root.resolve())
    assert relative.as_posix() == key
    assert not any(part.startswith(".") for part in relative.parts)


async def test_of_many_writers_of_one_key_one_wins_and_is_kept_whole(store: ObjectStore) -> None:
    bodies = [bytes([n]) * 100_000 for n in range(16)]
    results = await asyncio.gather(
        *(store.put(KEY, body) for body in bodies), return_exceptions=True
    )
    won = [body for body, result in zip(bodies, results, strict=True) if result == info_of(body)]
    assert len(won) == 1
    assert sum(isinstance(result, ObjectExists) for result in results) == 15
    assert await store.get(KEY) == won[0]


def info_of(body: bytes) -> ObjectInfo:
    return ObjectInfo(KEY, len(body))


async def test_many_writers_of_the_same_bytes_all_succeed(store: ObjectStore) -> None:
    await asyncio.gather(*(store.put(KEY, b"x" * 100_000) for _ in range(16)))
    assert await keys(store, "") == [KEY]


async def test_writers_and_deleters_side_by_side_leave_whole_objects(store: ObjectStore) -> None:
    async def write_and_delete(n: int) -> None:
        for turn in range(10):
            await store.put(f"a/b/{n}/{turn}", b"x" * 1000)
            await store.delete(f"a/b/{n}/{turn}")
        await store.put(f"a/b/{n}/kept", b"kept")

    await asyncio.gather(*(write_and_delete(n) for n in range(6)))
    assert await keys(store, "") == [f"a/b/{n}/kept" for n in range(6)]

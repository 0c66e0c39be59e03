"""The store that fails when it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.base import StorageError
from storage.testing import FaultyStore, MemoryStore


async def test_a_faulty_store_is_the_other_store_until_it_fails(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    def fault(operation: str, key: str) -> None:
        seen.append((operation, key))
        if key == "bad":
            msg = "no space left on device"
            raise StorageError(msg)

    inner = MemoryStore()
    store = FaultyStore(inner, fault)
    await store.put("a", b"x")
    (tmp_path / "f").write_bytes(b"y")
    await store.put_file("b", tmp_path / "f")
    assert (await store.get("a"), (await store.head("b")).size) == (b"x", 1)
    assert [one.key async for one in store.list("")] == ["a", "b"]
    assert store.locate("a") == inner.locate("a")
    with pytest.raises(StorageError, match="no space"):
        await store.put("bad", b"x")
    await store.delete("a")
    await store.close()
    assert set(inner.objects) == {"b"}
    assert [operation for operation, _ in seen] == [
        "put",
        "put_file",
        "get",
        "head",
        "list",
        "put",
        "delete",
    ]

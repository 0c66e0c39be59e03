"""Whether a store keeps what it promises: tried with a small object that is gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from storage.base import ByteRange, ObjectExists, ObjectNotFound, ObjectStore, StorageError

_FOLDER = "headwater-check/"


async def probe(store: ObjectStore) -> AsyncIterator[str]:
    """Name each promise after it was kept; StorageError at the first that is not."""
    key = _FOLDER + secrets.token_hex(8)
    data = secrets.token_bytes(64)
    try:
        await store.put(key, data)
        yield "writes, and holds what it was sent"
        await store.put(key, data)
        yield "writing the same again changes nothing"
        await _require_refusal(store, key)
        yield "never overwrites"
        _require(await store.get(key) == data, "reads other bytes than were written")
        _require(await store.get(key, ByteRange(7, 19)) == data[7:19], "reads other ranges")
        yield "reads, whole and in ranges"
        listed = [found.key async for found in store.list(_FOLDER)]
        _require(key in listed, "does not list what was written")
        yield "lists"
    finally:
        await store.delete(key)
    try:
        await store.head(key)
    except ObjectNotFound:
        yield "deletes"
    else:
        _require(False, "still has what was deleted")


async def _require_refusal(store: ObjectStore, key: str) -> None:
    try:
        await store.put(key, secrets.token_bytes(64))
    except ObjectExists:
        return
    _require(False, "overwrites: it ignores If-None-Match, and two writers could mix a package")


def _require(is_kept: bool, problem: str) -> None:  # noqa: FBT001 - an assertion
    if not is_kept:
        msg = f"the store {problem} (use another server)"
        raise StorageError(msg, transient=False)

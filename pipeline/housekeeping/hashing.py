"""The hash of an object, read piece by piece."""

from __future__ import annotations

import asyncio
import hashlib

from storage.base import ByteRange, ObjectStore

_PIECE = 8 << 20  # bytes: few requests to a store far away, little memory beside a whole FLAC


async def sha256_of(store: ObjectStore, key: str, size: int) -> str:
    """SHA-256 (hex) of an object of that many bytes. StorageError where it cannot be read."""
    digest = hashlib.sha256()
    for start in range(0, size, _PIECE):
        data = await store.get(key, ByteRange(start, min(start + _PIECE, size)))
        if len(data) > 1 << 16:
            await asyncio.to_thread(digest.update, data)
        else:
            digest.update(data)
    return digest.hexdigest()

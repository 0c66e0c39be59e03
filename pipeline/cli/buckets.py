"""Masters in object storage, s3://bucket/key: fetched from the server that the storage is at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from configs.settings import Settings, StorageSettings
from pipeline.errors import NoMasters, shown
from pipeline.masters import Masters, TooLarge, is_master_name
from storage.base import ByteRange, ObjectNotFound, StorageError
from storage.bucket import ABSENT, Bucket, S3Failure
from storage.open import open_bucket
from storage.retrying import Retrying

_BLOCK = 8 << 20  # bytes asked for at a time


def make_masters(settings: Settings) -> Masters:
    """Where masters may be: in folders, and in buckets where the storage is one."""
    storage = settings.storage
    if storage.kind == "local":
        return Masters()
    return Masters(lambda name: _open(storage, name))


async def find_objects(settings: Settings, addresses: Sequence[Path]) -> list[Path]:
    """Objects, and the masters below what is none by its name, in order.

    Raises NoMasters where there is no object storage, or nothing was found.
    """
    masters = make_masters(settings)
    found: list[Path] = []
    for address in addresses:
        found += [address] if is_master_name(address) else await masters.below(address)
    if not found:
        where = ", ".join(map(shown, addresses))
        raise NoMasters(f"{where}: no masters were found in the object storage")
    return found


@asynccontextmanager
async def _open(storage: StorageSettings, name: str) -> AsyncIterator[MasterBucket]:
    bucket = open_bucket(storage, name)
    try:
        yield MasterBucket(bucket, Retrying(storage.retry_s))
    finally:
        await bucket.close()


@dataclass(frozen=True, slots=True)
class MasterBucket:
    """A bucket whose objects have any names: labels name their masters, not we."""

    bucket: Bucket
    retrying: Retrying

    async def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        """Keys that begin so, and their sizes in bytes."""
        more: str | None = None
        while True:
            page = await self.retrying.run(partial(self.bucket.page, prefix, more))
            for one in page.objects:
                yield one.key, one.size
            if page.more is None:
                return
            more = page.more

    async def size(self, key: str) -> int | None:
        """Bytes of an object, asked for once; None where that is not known now."""
        try:
            return (await self.bucket.head(key)).size
        except StorageError:
            return None

    async def fetch(self, key: str, path: Path, most_bytes: int) -> None:
        """Copy an object into a new file, as it was when that began; TooLarge."""
        try:
            found = await self.retrying.run(lambda: self.bucket.head(key))
            if found.size > most_bytes:
                raise TooLarge(f"it has {found.size} bytes")
            with path.open("xb") as file:
                for start in range(0, found.size, _BLOCK):
                    span = ByteRange(start, min(start + _BLOCK, found.size))
                    data, now = await self.retrying.run(partial(self.bucket.get, key, span))
                    if now.etag != found.etag or len(data) != span.size:
                        raise StorageError(f"{key} changed while it was fetched")
                    await asyncio.to_thread(file.write, data)
        except S3Failure as exc:
            if exc.code == ABSENT:
                raise ObjectNotFound(f"{key}: there is no such object") from exc
            raise

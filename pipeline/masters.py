"""Where masters are: in folders that every worker sees, or in buckets they are fetched from."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from catalog.records import MasterSource
from pipeline.errors import BadMaster, NoMasters, shown
from pipeline.master import SUFFIXES
from pipeline.workspace import Workspace
from storage.base import ObjectNotFound

_log = logging.getLogger(__name__)

_URL = "s3://"
_SCHEME = "s3:/"  # as a Path has it: pathlib makes one slash of two
# What belongs to a master begins with its name, or is the folder's cover.
_COVERS = ("cover", "front", "folder")
_NO_STORAGE = "the settings name no object storage to fetch it from (storage.kind: s3)"
_MOST_COMPANIONS = 50
_MOST_COMPANION_BYTES = 32 << 20


class Bucket(Protocol):
    """Objects of any names: labels name their masters, not we."""

    def sizes(self, prefix: str) -> AsyncIterator[tuple[str, int]]:
        """Keys that begin so, and their sizes in bytes. StorageError."""
        ...

    async def size(self, key: str) -> int | None:
        """Bytes of an object, asked for once; None where that is not known now."""
        ...

    async def fetch(self, key: str, path: Path, most_bytes: int) -> None:
        """Copy an object into a new file. ObjectNotFound where there is none; StorageError.

        TooLarge for one of more bytes than that: nothing of it is fetched.
        """
        ...


class TooLarge(Exception):
    """An object has more bytes than are to be fetched."""


BucketOpener = Callable[[str], AbstractAsyncContextManager[Bucket]]


@dataclass(frozen=True, slots=True)
class Masters:
    """Makes masters readable. `open_bucket` is None where there is no object storage."""

    open_bucket: BucketOpener | None = None

    @staticmethod
    def named(source: MasterSource) -> Path:
        """The path of a master, or what stands for it."""
        if source.path_hex is not None:
            return Path(os.fsdecode(bytes.fromhex(source.path_hex)))
        return Path(source.name)

    async def below(self, folder: Path) -> list[Path]:
        """The masters below an address, in order of their keys.

        NoMasters where there is no object storage.
        """
        bucket, _, prefix = str(folder).removeprefix(_SCHEME).partition("/")
        if self.open_bucket is None:
            raise NoMasters(f"{shown(folder)}: {_NO_STORAGE}")
        async with self.open_bucket(bucket) as opened:
            keys = [key async for key, _ in opened.sizes(f"{prefix}/" if prefix else "")]
        found = []
        for key in sorted(key for key in keys if is_master_name(Path(key))):
            try:
                found.append(path_of(f"{_URL}{bucket}/{key}"))
            except NoMasters as exc:
                _log.warning("left out: %s", exc)
        return found

    async def size(self, source: Path) -> int:
        """Bytes of a master; 0 where there is none, or nobody can say: that is told later."""
        if not is_remote(source):
            with suppress(OSError):
                return source.stat().st_size
        elif self.open_bucket is not None:
            with suppress(BadMaster):
                bucket, key = _bucket_and_key(source)
                async with self.open_bucket(bucket) as opened:
                    return await opened.size(key) or 0
        return 0

    @asynccontextmanager
    async def local(
        self, source: Path, workspace: Workspace, most_bytes: int
    ) -> AsyncIterator[Path]:
        """A file to read: the master itself, or a copy of an object and of what lies beside it.

        BadMaster where it would be a copy of more bytes than that.
        """
        if not is_remote(source):
            yield source
            return
        bucket, key = _bucket_and_key(source)
        if self.open_bucket is None:
            raise BadMaster(source, _NO_STORAGE)
        with workspace.folder() as folder:
            async with self.open_bucket(bucket) as opened:
                path = await _fetch(opened, source, key, folder, most_bytes)
            yield path


def is_master_name(path: Path) -> bool:
    """Tell a master from a folder of them, by its name alone."""
    return path.suffix.lower() in SUFFIXES


def path_of(text: str) -> Path:
    """What stands for a master's path or its address in a bucket. NoMasters where nothing can."""
    path = Path(text)
    # A Path makes one slash of two and drops a dot: it would stand for another object.
    if text.startswith(_URL) and str(path) != _SCHEME + text.removeprefix(_URL).rstrip("/"):
        cause = "a key with an empty part, or a dot for one, cannot be ingested"
        raise NoMasters(f"{text}: {cause} (copy it to another key)")
    return path


def is_remote(source: Path) -> bool:
    """Tell an object from a file."""
    return str(source).startswith(_SCHEME)


def source_of(
    path: Path, *, operator_id: str | None = None, scheme: str | None = None
) -> MasterSource:
    """What a job's row keeps of a master."""
    path = path if is_remote(path) else path.absolute()
    name = shown(path)
    is_plain = os.fsencode(path) == name.encode() or is_remote(path)
    path_hex = None if is_plain else os.fsencode(path).hex()
    return MasterSource(name, operator_id, scheme, path_hex)


async def _fetch(bucket: Bucket, source: Path, key: str, folder: Path, most_bytes: int) -> Path:
    """Copy a master, its sidecar, lyrics and covers; their names stay."""
    master = folder / PurePosixPath(key).name
    try:
        await bucket.fetch(key, master, most_bytes)
    except ObjectNotFound as exc:
        raise BadMaster(source, "there is no such object") from exc
    except TooLarge as exc:
        cause = f"{exc}, {most_bytes} are fetched at most"
        raise BadMaster(source, cause, "ingest.max_fetched_bytes") from exc
    directory = key.removesuffix(master.name)
    names = (master.stem, *_COVERS, *(name.capitalize() for name in _COVERS))
    count = 0
    for name in names:
        async for other, size in bucket.sizes(directory + name):
            path = folder / other.removeprefix(directory)
            is_beside = path.parent == folder and not is_master_name(path)
            if is_beside and not path.exists() and size <= _MOST_COMPANION_BYTES:
                with suppress(TooLarge):  # it was smaller a moment ago
                    await bucket.fetch(other, path, _MOST_COMPANION_BYTES)
                count += 1
            if count == _MOST_COMPANIONS:
                return master
    return master


def _bucket_and_key(source: Path) -> tuple[str, str]:
    bucket, _, key = str(source).removeprefix(_SCHEME).partition("/")
    if not bucket or not key:
        raise BadMaster(source, "it is not the address of an object", "s3://bucket/key")
    return bucket, key

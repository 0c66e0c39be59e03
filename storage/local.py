"""Objects as files of a local folder, safe against crashes, races and full disks.

A new object is written to `.tmp/` inside the store, synced to the disk, and then linked to its
final name. Linking fails where the name is taken, so nothing is ever overwritten, and a reader
sees the whole object or none. Folders are synced too: what `put` reported survives a power cut.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from storage.base import (
    ByteRange,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    StorageError,
    check_key,
    check_span,
    split_prefix,
)

_TEMP = ".tmp"
_TEMP_MAX_AGE_S = 24 * 3600  # older ones were left by a killed process: no write takes a day
_CHUNK = 1 << 20  # bytes compared at a time
_LIST_BATCH = 512  # objects listed per hop to the thread
_LINK_ATTEMPTS = 5  # a concurrent delete may remove the folder just made

_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)

# What no second try can mend: permissions, a read-only disk, a file where a folder must be.
_PERMANENT = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.EXDEV,
        errno.EOPNOTSUPP,
    }
)


class LocalStore:
    """An ObjectStore in a folder, which is made at the first write.

    Any number of threads and processes may share it. The file system must know hard links.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._swept = False

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write a small object. The same bytes again are a no-op; others raise ObjectExists."""

        def write(temp: Path) -> None:
            temp.write_bytes(data)

        return await asyncio.to_thread(self._put, key, lambda: BytesIO(data), write)

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Copy a local file in as an object (same rule as `put`)."""

        def write(temp: Path) -> None:
            shutil.copyfile(path, temp)  # copied inside the kernel by sendfile

        def put() -> ObjectInfo:
            _check_readable(path)
            return self._put(key, lambda: path.open("rb"), write)

        return await asyncio.to_thread(put)

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """Read the object's bytes, or that range of them and no more."""
        return await asyncio.to_thread(self._get, key, span)

    async def head(self, key: str) -> ObjectInfo:
        """Tell the size of an object. ObjectNotFound where there is none."""
        return await asyncio.to_thread(self._head, key)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with the prefix, in key order, read folder by folder."""
        found = self._walk(prefix)
        while batch := await asyncio.to_thread(_take, found):
            for info in batch:
                yield info

    async def delete(self, key: str) -> None:
        """Remove an object and the folders it leaves empty; absent is fine."""
        await asyncio.to_thread(self._delete, key)

    async def leftovers(self, before: datetime) -> AsyncIterator[str]:
        """Temporary files of writes that were killed; a day old they go by themselves."""
        for name in await asyncio.to_thread(_old_files, self._root / _TEMP, before.timestamp()):
            yield name

    async def sweep(self, name: str) -> None:
        """Remove one of these; gone already is fine."""
        path = self._root / _TEMP / check_key(name)
        with _as_storage_error("delete", name, path):
            path.unlink(missing_ok=True)

    def locate(self, key: str) -> str:
        """Return the absolute path of the object's file."""
        return str(self._path(key))

    async def close(self) -> None:
        """Nothing is held open."""

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _put(
        self, key: str, source: Callable[[], BinaryIO], write: Callable[[Path], None]
    ) -> ObjectInfo:
        target = self._path(key)
        with _as_storage_error("write", key, target):
            if target.exists():
                return _unchanged(key, source, target)
            temp = self._temp_file()
            try:
                write(temp)
                _sync(temp)
                size = temp.stat().st_size
                if not self._link(temp, target):
                    return _unchanged(key, source, target)
            finally:
                temp.unlink(missing_ok=True)
            with suppress(FileNotFoundError):  # deleted at once, with its folder
                _sync(target.parent)
        return ObjectInfo(key, size)

    def _temp_file(self) -> Path:
        folder = self._root / _TEMP
        folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            self._swept = True
            _sweep(folder)
        return folder / uuid4().hex

    def _link(self, temp: Path, target: Path) -> bool:
        """Give the file its final name; False where that name is taken."""
        for _ in range(_LINK_ATTEMPTS):
            try:
                _make_folder(target.parent)
                os.link(temp, target)
            except FileExistsError:
                return False
            except FileNotFoundError:
                continue  # a concurrent delete found a folder empty and removed it
            return True
        msg = f"cannot write {target}: its folder is being removed all the time"
        raise StorageError(msg)

    def _get(self, key: str, span: ByteRange | None) -> bytes:
        path = self._path(key)
        with _as_storage_error("read", key, path), path.open("rb") as file:
            if span is None:
                return file.read()
            check_span(key, span, os.fstat(file.fileno()).st_size)
            file.seek(span.start)
            data = file.read(span.size)
        if len(data) != span.size:
            msg = f"{path} became shorter while it was read"
            raise StorageError(msg)
        return data

    def _head(self, key: str) -> ObjectInfo:
        path = self._path(key)
        with _as_storage_error("read", key, path):
            if not path.is_file():
                raise FileNotFoundError(path)
            return ObjectInfo(key, path.stat().st_size)

    def _delete(self, key: str) -> None:
        path = self._path(key)
        with _as_storage_error("delete", key, path):
            try:
                path.unlink()
            except _ABSENT:
                return
            _sync(path.parent)
            with suppress(OSError):  # not empty: somebody else's objects are there
                for folder in path.parents:
                    if folder == self._root:
                        break
                    folder.rmdir()

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        folder, start = split_prefix(prefix)
        base = self._root / folder
        with _as_storage_error("list", prefix, base):
            for name, is_folder in _entries(base):
                if not name.startswith(start):
                    continue
                key = f"{folder}/{name}" if folder else name
                if is_folder:
                    yield from self._walk(f"{key}/")
                else:
                    # Deleted since the folder was read: then it is not listed.
                    with suppress(FileNotFoundError):
                        status = (base / name).stat()
                        modified = datetime.fromtimestamp(status.st_mtime, UTC)
                        yield ObjectInfo(key, status.st_size, modified)


def _take(found: Iterator[ObjectInfo]) -> list[ObjectInfo]:
    return list(islice(found, _LIST_BATCH))


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names of a folder and whether each is one, in the order their keys sort in."""
    try:
        with os.scandir(folder) as entries:
            found = [(one.name, one.is_dir()) for one in entries if not one.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    # A folder's keys go on with "/", which sorts after "-" and "." and before letters.
    return sorted(found, key=lambda entry: entry[0] + "/" * entry[1])


def _check_readable(source: Path) -> None:
    """Find out before copying, so that the message names the source and not the object."""
    try:
        source.open("rb").close()
    except OSError as exc:
        msg = f"cannot read {source}: {(exc.strerror or str(exc)).lower()}"
        raise StorageError(msg, transient=False) from exc


def _unchanged(key: str, source: Callable[[], BinaryIO], target: Path) -> ObjectInfo:
    """Return the existing object, if it has the very bytes that were to be written."""
    with source() as new, target.open("rb") as old:
        while True:
            chunk = new.read(_CHUNK)
            if chunk != old.read(_CHUNK):
                msg = f"{target} already holds other bytes: objects are never overwritten"
                raise ObjectExists(msg)
            if not chunk:
                return ObjectInfo(key, target.stat().st_size)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, and sync each folder that got a new entry."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _sync(new.parent)


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind."""
    for name in _old_files(folder, time.time() - _TEMP_MAX_AGE_S):
        (folder / name).unlink(missing_ok=True)


def _old_files(folder: Path, before_s: float) -> list[str]:
    """Names of a folder's files that were last written before then."""
    found = []
    with suppress(FileNotFoundError):  # nothing was ever written
        for temp in folder.iterdir():
            with suppress(FileNotFoundError):  # swept by another process
                if temp.stat().st_mtime < before_s:
                    found.append(temp.name)
    return sorted(found)


@contextmanager
def _as_storage_error(action: str, key: str, path: Path) -> Iterator[None]:
    """Turn the system's errors into ours, naming the file and the cause."""
    try:
        yield
    except OSError as exc:
        if action == "read" and isinstance(exc, _ABSENT):
            msg = f"there is no object {key} (no file {path})"
            raise ObjectNotFound(msg) from exc
        msg = f"cannot {action} {path}: {(exc.strerror or str(exc)).lower()}"
        raise StorageError(msg, transient=exc.errno not in _PERMANENT) from exc

"""Where bytes rest: the protocol every store keeps.

Keys are relative POSIX paths (`tracks/<id>/<revision>/aac-128k.mp4`), made by
`storage.naming` only. An object is written whole or not at all and never changed afterwards.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

# A part may not start with a dot: that rules out "." and ".." and leaves such names to the stores
# themselves (the local one keeps its temporary files in ".tmp").
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", re.ASCII)
_MAX_KEY = 1000  # characters, all ASCII; S3 allows 1024 bytes


class StorageError(Exception):
    """A store failed; `transient` says whether trying again can help."""

    transient = True

    def __init__(self, message: str, *, transient: bool | None = None) -> None:
        if transient is not None:
            self.transient = transient
        super().__init__(message)


class InvalidKey(StorageError):
    """That is not a key (empty, absolute, "..", odd characters): no store is asked."""

    transient = False


class ObjectNotFound(StorageError):
    """There is no object under that key."""

    transient = False


class ObjectExists(StorageError):
    """An object with other content already rests under that key: nothing is overwritten."""

    transient = False


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A half-open range of bytes of an object."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            msg = f"a range of bytes cannot go from {self.start} to {self.end}"
            raise ValueError(msg)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it."""

    key: str
    size: int  # bytes
    # When it was written, where it was found by `list`; None where nobody says.
    modified: datetime | None = field(default=None, compare=False)


class ObjectStore(Protocol):
    """A place for immutable objects. Methods may be called concurrently."""

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write a small object. The same bytes again are a no-op; others raise ObjectExists."""
        ...

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Write a local file as an object (same rule as `put`); the file stays where it is."""
        ...

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """Read the object's bytes, or that range of them.

        ObjectNotFound where there is none; ValueError for a range that ends outside of it.
        """
        ...

    async def head(self, key: str) -> ObjectInfo:
        """Tell the size of an object. ObjectNotFound where there is none."""
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with the prefix, in key order."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; absent is fine."""
        ...

    def locate(self, key: str) -> str:
        """Where an operator finds the object: an absolute path, or `s3://bucket/key`."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@runtime_checkable
class Sweepable(Protocol):
    """A store in which writes that were killed leave something behind that is no object."""

    def leftovers(self, before: datetime) -> AsyncIterator[str]:
        """Name what was begun before that instant and never completed."""
        ...

    async def sweep(self, name: str) -> None:
        """Remove one of these; gone already is fine."""
        ...


def check_key(key: str) -> str:
    """Return the key itself, or raise InvalidKey: so that no key can leave a store's own tree."""
    if len(key) > _MAX_KEY or not all(_PART.fullmatch(part) for part in key.split("/")):
        msg = f"{key[:200]!r} is not an object key"
        raise InvalidKey(msg)
    return key


def split_prefix(prefix: str) -> tuple[str, str]:
    """Split a prefix into the folder it is in and the start of the names there, or InvalidKey."""
    folder, slash, start = prefix.rpartition("/")
    return (check_key(folder) if slash else ""), start


def check_span(key: str, span: ByteRange, size: int) -> None:
    """ValueError where the range ends outside of an object of that size."""
    if span.end > size:
        msg = f"{key} has {size} bytes: no range {span.start}-{span.end} in it"
        raise ValueError(msg)

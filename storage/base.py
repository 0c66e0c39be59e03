"""Where bytes rest: the protocol every store keeps.

Keys are relative POSIX paths (`tracks/<id>/<revision>/aac-128k.mp4`), made by
`storage.naming` only. An object is written whole or not at all and never changed afterwards.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class StorageError(Exception):
    """A store failed; `transient` says whether trying again can help."""

    transient = True


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


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of an object without reading it."""

    key: str
    size: int  # bytes


class ObjectStore(Protocol):
    """A place for immutable objects. Methods may be called concurrently."""

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Write a small object. The same bytes again are a no-op; others raise ObjectExists."""
        ...

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """Write a local file as an object (same rule as `put`); the file stays where it is."""
        ...

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        """The object's bytes, or that range of them (which must lie inside it)."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """Size of an object. ObjectNotFound where there is none."""
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

"""What is to be stored, and the hashes that its bytes are recognized by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from storage.base import StorageError

_MOST_PARTS = 10_000  # what S3 allows of one upload
_HASHERS = 3  # threads
_CHUNK = 1 << 20  # bytes hashed at a time


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that go up in one part or in several; `read` gives those of a part, counted from 0."""

    size: int
    sha256: str  # hex
    md5s: tuple[bytes, ...]  # of each part
    read: Callable[[int], bytes]

    @property
    def etag(self) -> str:
        """The ETag that a server gives it, where that is a hash of what it holds."""
        if len(self.md5s) == 1:
            return self.md5s[0].hex()
        parts = hashlib.md5(b"".join(self.md5s), usedforsecurity=False)
        return f"{parts.hexdigest()}-{len(self.md5s)}"


def of_bytes(data: bytes) -> Content:
    """Content in memory, in one part."""
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return Content(len(data), hashlib.sha256(data).hexdigest(), (md5,), lambda _: data)


def of_file(path: Path, part_bytes: int) -> Content:
    """A file's content. Up to twice `part_bytes` are one part, which is kept in memory.

    StorageError where the file cannot be read.
    """
    try:
        size = path.stat().st_size
        if size <= 2 * part_bytes:
            return of_bytes(path.read_bytes())
        return _of_large_file(path, size, max(part_bytes, -(-size // _MOST_PARTS)))
    except OSError as exc:
        msg = f"cannot read {path}: {(exc.strerror or str(exc)).lower()}"
        raise StorageError(msg, transient=False) from exc


def _of_large_file(path: Path, size: int, part_bytes: int) -> Content:
    def pieces(number: int, step: int) -> Iterator[bytes]:
        """The bytes of a part, so many at a time."""
        left = min(part_bytes, size - number * part_bytes)
        with path.open("rb") as file:
            file.seek(number * part_bytes)
            while left:
                data = file.read(min(step, left))
                if not data:
                    msg = f"{path} became shorter while it was stored"
                    raise StorageError(msg, transient=False)
                left -= len(data)
                yield data

    def md5_of(number: int) -> bytes:
        md5 = hashlib.md5(usedforsecurity=False)
        for piece in pieces(number, _CHUNK):
            md5.update(piece)
        return md5.digest()

    def part(number: int) -> bytes:
        return b"".join(pieces(number, part_bytes))

    # Side by side: hashing leaves the interpreter to others.
    with ThreadPoolExecutor(_HASHERS) as pool, path.open("rb") as file:
        whole = pool.submit(hashlib.file_digest, file, "sha256")
        md5s = tuple(pool.map(md5_of, range(-(-size // part_bytes))))
        return Content(size, whole.result().hexdigest(), md5s, part)

"""Where uploads rest, and who may write to one: any number of processes share the folder.

    {upload_id}/lock             held (flock) by whoever writes
    {upload_id}/wanted           somebody else wants to: whoever writes lets go soon
    {upload_id}/master/{title}.master    the bytes; beside it the sidecar with what was said of them

A lock ends with its process, however that ends. A client whose connection broke comes back by
another one before we know that the first is dead: so who comes last gets the lock.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from origin.problems import OriginError
from origin.uploads.tus import stem_of

_LOOK_S = 0.05
_MODE = 0o700


class UploadGone(Exception):
    """There is no such upload on the shelf."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder."""

    root: Path

    def make(self, upload_id: str, name: str) -> Path:
        """A place for an upload, and its empty file; both outlast a power cut. OSError."""
        folder = self.root / upload_id
        master = folder / "master"
        self.root.mkdir(_MODE, parents=True, exist_ok=True)
        folder.mkdir(_MODE)
        master.mkdir(_MODE)
        path = self.master(upload_id, name)
        for file in (folder / "lock", path):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        for directory in (master, folder, self.root):
            _sync(directory)
        return path

    def master(self, upload_id: str, name: str) -> Path:
        """Where the bytes are. The suffix is ours: a sender's would mislead readers of tags."""
        return self.root / upload_id / "master" / f"{stem_of(name)}.master"

    def remove(self, upload_id: str) -> None:
        """Remove an upload with all that is in it."""
        shutil.rmtree(self.root / upload_id, ignore_errors=True)

    def is_wanted(self, upload_id: str) -> bool:
        """Whether whoever holds the lock is to let go."""
        return (self.root / upload_id / "wanted").exists()

    @asynccontextmanager
    async def held(self, upload_id: str, patience_s: float) -> AsyncIterator[None]:
        """Hold an upload's lock; whoever has it is asked to let go.

        UploadGone where there is none; OriginError 423 when the patience is over.
        """
        folder = self.root / upload_id
        try:
            lock = os.open(folder / "lock", os.O_RDWR)
        except FileNotFoundError:
            raise UploadGone from None
        try:
            await _acquire(lock, folder / "wanted", patience_s)
            if os.fstat(lock).st_nlink == 0:  # removed while we waited
                raise UploadGone
            yield
        finally:
            os.close(lock)


async def _acquire(lock: int, wanted: Path, patience_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if loop.time() > deadline:
                raise OriginError(
                    423,
                    "upload-locked",
                    "Another request writes to it.",
                    headers={"Retry-After": "1"},
                ) from None
            with suppress(FileNotFoundError):
                wanted.touch()
            await asyncio.sleep(_LOOK_S)
        else:
            wanted.unlink(missing_ok=True)
            return


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

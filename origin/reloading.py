"""Files that are read again when they change: certificates, and the secrets that tokens have.

Looked at every two seconds, and at once on SIGHUP. What cannot be used is said once and left alone,
and what was read before goes on being used: a half-written file costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger("headwater.origin")

_LOOK_S = 2.0

_Signature = tuple[tuple[int, int, int] | None, ...]


class NotReloaded(Exception):
    """What the files hold cannot be used; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Files that belong together, and what reads them again (or raises NotReloaded)."""

    name: str
    files: tuple[Path, ...]
    load: Callable[[], None]

    def signature(self) -> _Signature:
        """What changes when one of the files is replaced."""
        return tuple(map(_signature, self.files))


@asynccontextmanager
async def reloading(reloads: Sequence[Reload]) -> AsyncIterator[None]:
    """Watch these files until the end of the block."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    task = asyncio.create_task(_watch(reloads, asked))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        loop.remove_signal_handler(signal.SIGHUP)


async def _watch(reloads: Sequence[Reload], asked: asyncio.Event) -> None:
    seen = {one.name: one.signature() for one in reloads}
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await asked.wait()
        is_asked = asked.is_set()
        asked.clear()
        for one in reloads:
            signature = one.signature()
            if signature != seen[one.name] or is_asked:
                seen[one.name] = signature
                _load(one)


def _load(one: Reload) -> None:
    try:
        one.load()
    except NotReloaded as error:
        _LOG.error("%s: what was read before is still used: %s", one.name, error)
    else:
        _LOG.warning("%s: read again", one.name)


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()  # of what a link leads to, as Kubernetes replaces files
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size

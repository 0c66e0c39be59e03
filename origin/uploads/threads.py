"""Threads that only uploads use: a slow disk keeps them waiting, and no listener.

The event loop's own threads read segments from a local storage; a large master's bytes, or a
folder of 2 GiB that goes, would stand in their way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")
_MOST = 8  # each waits for a disk nearly all of its time


class Threads:
    """Runs blocking calls. Its threads start when there is work."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_MOST, thread_name_prefix="uploads")

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run it. When canceled, it is waited for: what holds a lock must not leave one at work."""
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._pool, lambda: call(*args, **kwargs)))

    def close(self) -> None:
        """Let them end."""
        self._pool.shutdown(wait=False)


async def to_its_end(work: asyncio.Future[_T]) -> _T:
    """Wait for it, however often we are canceled meanwhile; that is raised afterwards."""
    canceled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as exc:
            canceled = exc
    if canceled is not None:
        raise canceled
    return work.result()

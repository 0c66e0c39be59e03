"""Trying again what may be over in a moment, for a bounded time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from storage.base import StorageError

_T = TypeVar("_T")

_FIRST_S = 0.1
_LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Retrying:
    """How long a request is tried anew; 0: once. The last try may outlast it by its own timeout."""

    total_s: float

    async def run(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `call` does, tried again while it fails with a transient StorageError.

        Waits are exponential with full jitter, so that many clients of a server that comes back
        do not come back together.
        """
        deadline = time.monotonic() + self.total_s
        longest = _FIRST_S
        while True:
            try:
                return await call()
            except StorageError as error:
                wait = random.uniform(0, longest)
                if not error.transient or time.monotonic() + wait > deadline:
                    raise
            await asyncio.sleep(wait)
            longest = min(longest * 2, _LONGEST_S)

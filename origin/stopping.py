"""Being told to end: the signals, and the time that load balancers get to notice."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from origin import workers


class Stopping:
    """SIGTERM: in a while. SIGINT, a second signal, or a parent that is gone: now."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._hurried = asyncio.Event()

    @classmethod
    def on_signals(cls, loop: asyncio.AbstractEventLoop) -> Stopping:
        """Listen to this process's signals."""
        stopping = cls()
        loop.add_signal_handler(signal.SIGTERM, stopping.tell)
        loop.add_signal_handler(signal.SIGINT, stopping.hurry)
        workers.on_orphaned(loop, stopping.hurry)
        return stopping

    def tell(self) -> None:
        """Begin to end; told twice: now."""
        if self._told.is_set():
            self._hurried.set()
        self._told.set()

    def hurry(self) -> None:
        """End now."""
        self._told.set()
        self._hurried.set()

    async def told(self) -> None:
        """Wait until somebody says so."""
        await self._told.wait()

    async def delay(self, seconds: float) -> None:
        """Wait so long, or until it is to be now."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()

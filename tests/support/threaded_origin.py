"""An origin in a thread of its own, for tests whose servers outlive one test's event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from catalog.engine import Tx
from configs.settings import OriginSettings
from origin.listening import reserve
from origin.server import start
from origin.state import STATE, OriginDeps, OriginState
from storage.base import ByteRange, ObjectStore
from storage.testing import FaultyStore
from tests.support import house as houses
from tests.support.house import House

Change = Callable[[Tx, str, datetime], Awaitable[None]]

ANSWER_S = 1  # how long the edges believe the origin's answers


class HeldStore(FaultyStore):
    """Another store whose reads are counted, and wait while the gate is closed."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store, lambda *_: None)
        self.reads: list[str] = []
        self.gate = threading.Event()  # reads wait while it is not set
        self.gate.set()

    async def get(self, key: str, span: ByteRange | None = None) -> bytes:
        self.reads.append(key)
        await asyncio.to_thread(self.gate.wait, 20)
        return await super().get(key, span)


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin, in a thread of its own."""

    house: House
    port: int
    deps: OriginDeps
    state: OriginState
    store: HeldStore
    loop: asyncio.AbstractEventLoop

    def path(
        self, rest: str, *tiers: str, ttl_s: int = 600, track: str = houses.TRACK, query: str = ""
    ) -> str:
        """The path of something of a track, under a token for these tiers (none: all)."""
        scope = f"tracks/{track}/"
        token = houses.playback_token(self.deps, *tiers, ttl_s=ttl_s, scope=scope)
        return f"/v1/t/{token}/{scope}{houses.REVISION}/{rest}{query}"

    def stored(self, rendition: str) -> bytes:
        """A track file's bytes as they rest."""
        folder = self.house.root / "storage/tracks" / houses.TRACK / houses.REVISION
        return (folder / f"{rendition}.mp4").read_bytes()

    def in_catalog(self, change: Change, track_id: str) -> None:
        """Make a change of the catalog, where the origin does it: in its loop."""

        async def apply() -> None:
            async with self.deps.catalog.begin() as tx:
                await change(tx, track_id, datetime.now(UTC))

        asyncio.run_coroutine_threadsafe(apply(), self.loop).result(10)


@dataclass
class _Running:
    """What the thread tells."""

    ready: threading.Event = field(default_factory=threading.Event)
    origin: Origin | None = None
    stop: Callable[[], object] = lambda: None


@contextmanager
def serving(house: House, port: int = 0) -> Iterator[Origin]:
    """The house's origin in a thread, until the end of the block."""
    told = _Running()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(house, port, told)))
    thread.start()
    try:
        assert told.ready.wait(20)
        assert told.origin is not None
        yield told.origin
    finally:
        told.stop()
        thread.join(20)


async def _serve(house: House, port: int, told: _Running) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    told.stop = lambda: loop.call_soon_threadsafe(stop.set)
    settings = OriginSettings(
        port=port,
        shutdown_grace_s=0.5,
        edge_answer_s=ANSWER_S,
        trusted_proxies=("127.0.0.0/8",),
        country_header="X-Country-Code",
    )
    with reserve("127.0.0.1", port, shared=False) as listening:
        async with houses.open_deps(house, settings) as opened:
            store = HeldStore(opened.store)
            deps = replace(opened, store=store)
            runner = await start(deps, listening)
            bound = listening.getsockname()[1]
            told.origin = Origin(house, bound, deps, runner.app[STATE], store, loop)
            told.ready.set()
            await stop.wait()
            await runner.cleanup()

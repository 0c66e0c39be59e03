"""Values kept in memory, and one load for all who wait. For one event loop; not thread-safe."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SMALL_SHARE = 10  # one tenth of the room is for values not used again yet
_MAX_USES = 3  # S3-FIFO counts to three
_MOST_KEYS = 500  # in one load


class _Entry(Generic[V]):
    """A cached value. `uses` counts hits since the last look of the eviction hand."""

    __slots__ = ("cost", "uses", "value")

    def __init__(self, value: V, cost: int) -> None:
        self.value = value
        self.cost = cost
        self.uses = 0


class Cache(Generic[K, V]):
    """Values under a bound of their summed costs, evicted by S3-FIFO (Yang et al., SOSP 2023).

    A hit is a look-up and a count, no reordering; a scan (somebody downloading whole track
    files) passes through the small queue and leaves what is hot alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        # Since the start, for whoever measures.
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self._small_used = 0
        self._entries: dict[K, _Entry[V]] = {}
        self._small: deque[K] = deque()  # not used again yet
        self._main: deque[K] = deque()
        self._ghosts: OrderedDict[K, None] = OrderedDict()  # lately dropped from small: keys only

    def __len__(self) -> int:
        """How many values are held."""
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        """Whether it is held; nobody uses it by asking."""
        return key in self._entries

    def get(self, key: K) -> V | None:
        """The value, counted as a use; None when it is not held."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        if entry.uses < _MAX_USES:
            entry.uses += 1
        return entry.value

    def put(self, key: K, value: V, cost: int = 1) -> None:
        """Hold a value unless it costs more than the whole cache; others leave for it.

        A value put again replaces the earlier one, and so does its cost.
        """
        held = self._entries.get(key)
        if held is not None:
            if held.cost == cost:
                held.value = value
                return
            self._take_out(key, held)
        if cost > self.limit:
            return
        while self.used + cost > self.limit:
            self._evict()
        self._entries[key] = _Entry(value, cost)
        self.used += cost
        if key in self._ghosts:
            del self._ghosts[key]
            self._main.append(key)
        else:
            self._small.append(key)
            self._small_used += cost

    def clear(self) -> None:
        """Forget all of it."""
        self._entries.clear()
        self._small.clear()
        self._main.clear()
        self._ghosts.clear()
        self.used = self._small_used = 0

    def _take_out(self, key: K, entry: _Entry[V]) -> None:
        """Remove one from wherever it stands: rare, so its queue is looked through."""
        try:
            self._small.remove(key)
            self._small_used -= entry.cost
        except ValueError:
            self._main.remove(key)
        del self._entries[key]
        self.used -= entry.cost

    def _evict(self) -> None:
        """Drop one value. Each turn drops one, moves one to main, or lowers a count: it ends."""
        dropped = False
        while not dropped:
            small_is_full = self._small_used * _SMALL_SHARE > self.limit
            if self._small and (small_is_full or not self._main):
                dropped = self._turn_small()
            else:
                dropped = self._turn_main()

    def _turn_small(self) -> bool:
        key = self._small.popleft()
        entry = self._entries[key]
        self._small_used -= entry.cost
        if entry.uses > 1:
            entry.uses = 0
            self._main.append(key)
            return False
        self._drop(key, entry)
        self._ghosts[key] = None
        while len(self._ghosts) > len(self._entries) + 1:
            self._ghosts.popitem(last=False)
        return True

    def _turn_main(self) -> bool:
        key = self._main.popleft()
        entry = self._entries[key]
        if entry.uses:
            entry.uses -= 1
            self._main.append(key)
            return False
        self._drop(key, entry)
        return True

    def _drop(self, key: K, entry: _Entry[V]) -> None:
        del self._entries[key]
        self.used -= entry.cost
        self.evictions += 1


class SingleFlight(Generic[K, V]):
    """One running load per key, shared by all who ask for it meanwhile."""

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    async def run(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """The result (or exception) of the one load.

        A waiter that is cancelled leaves alone: the load goes on for the others and the cache.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_call(load))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: K, done: asyncio.Task[V]) -> None:
        del self._running[key]
        _seen(done)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Gathering(Generic[K, V]):
    """One load at a time, for all keys that were asked for while the one before it ran.

    What is looked up in a catalog costs little more for a hundred keys than for one.
    """

    def __init__(self, load: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`load` is given at most `_MOST_KEYS` keys, and returns a value for each."""
        self._load = load
        self._wanted: dict[K, asyncio.Future[V]] = {}  # not begun yet
        self._running: dict[K, asyncio.Future[V]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """The value of a load that had not ended yet, or its exception."""
        waiting = self._running.get(key) or self._wanted.get(key)
        if waiting is None:
            waiting = asyncio.get_running_loop().create_future()
            waiting.add_done_callback(_seen)
            self._wanted[key] = waiting
            if self._task is None:
                self._task = asyncio.ensure_future(self._run())
        return await asyncio.shield(waiting)

    async def _run(self) -> None:
        while self._wanted:
            keys = list(islice(self._wanted, _MOST_KEYS))
            self._running = {key: self._wanted.pop(key) for key in keys}
            await self._serve(self._running)
        self._running, self._task = {}, None

    async def _serve(self, asked: Mapping[K, asyncio.Future[V]]) -> None:
        try:
            values = await self._load(asked.keys())
            for key, waiting in asked.items():
                waiting.set_result(values[key])
        except Exception as error:  # noqa: BLE001 - it is the askers'
            for waiting in asked.values():
                if not waiting.done():
                    waiting.set_exception(error)

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for waiting in (*self._running.values(), *self._wanted.values()):
            waiting.cancel()
        self._running, self._wanted, self._task = {}, {}, None


def _seen(done: asyncio.Future[V]) -> None:
    """All who asked may be gone, and then nobody would look at an exception."""
    if not done.cancelled():
        done.exception()


async def _call(load: Callable[[], Awaitable[V]]) -> V:
    return await load()

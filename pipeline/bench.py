"""What a worker does with one job after another, each for itself: no batch, no album."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

from catalog import deliveries, jobs
from catalog.errors import CatalogError
from catalog.records import OVER, JobQueue, JobState
from configs.telemetry.context import working_on
from pipeline.albums import Albums
from pipeline.attempts import NO_ROOM_S, Attempts, Later
from pipeline.batch import sweep_remains
from pipeline.ingest import Ingest
from pipeline.masters import Masters
from pipeline.progress import Outcome, Reporter
from pipeline.worker_name import is_gone
from pipeline.workshop import Workshop

_log = logging.getLogger(__name__)

_MOST_RUNNING = 500  # that are looked at for their workers
_LOOK_S = 1.0  # how often an idle worker looks into the catalog
_SHUN_S, _SHUN_MAX_S = 2.0, 60.0  # how long a job is let be whose row could not be written


@dataclass(frozen=True, slots=True)
class Bench:
    """A place to do jobs at. `do` may be called concurrently."""

    shop: Workshop
    reporter: Reporter
    masters: Masters

    async def do(self, job_id: str) -> bool:
        """Try a job once; nothing is raised but what keeps its row from being read or written.

        False where there was no room for it: let `NO_ROOM_S` pass before another is tried. Each
        writes to its row, and thousands that wait would do that all the time, on a full disk.
        """
        with working_on(job=job_id):
            return await self._do(job_id)

    async def _do(self, job_id: str) -> bool:
        if await self._is_over(job_id):  # a message that came twice
            return True
        albums = Albums()
        await albums.find((), self.shop.tenant)  # of one track nothing is known
        attempts = Attempts(self.shop, Ingest(self.shop, self.reporter, albums), self.masters)
        match await attempts.once(job_id, _NobodyWaits()):
            case Later(source=source, reason=str() as reason, lacks_room=lacks_room):
                self.reporter.warn(source, reason)
                return not lacks_room
            case Outcome() as outcome:
                self.reporter.done(outcome)
        return True

    async def next(self, queues: Sequence[JobQueue], limit: int = 1) -> tuple[str, ...]:
        """Jobs that may be claimed now: in the order of the queues, the oldest first."""
        async with self.shop.catalog.connect(fresh=True) as tx:
            return await deliveries.claimable(tx, queues, self.shop.clock(), limit)

    async def abandoned(self, queues: Sequence[JobQueue]) -> tuple[str, ...]:
        """Jobs of workers of this machine that were killed: nobody waits for their leases."""
        async with self.shop.catalog.connect(fresh=True) as tx:
            running = await jobs.list_page(tx, states=[JobState.RUNNING], limit=_MOST_RUNNING)
        return tuple(
            one.job_id
            for one in running
            if one.queue in queues and one.worker and is_gone(one.worker)
        )

    async def _is_over(self, job_id: str) -> bool:
        async with self.shop.catalog.connect(fresh=True) as tx:
            return (await jobs.get(tx, job_id)).state in OVER

    async def tidy(self) -> None:
        """Remove what workers of this machine that were killed have left."""
        await sweep_remains(self.shop)


async def work(bench: Bench, queues: Sequence[JobQueue], slots: int, stop: asyncio.Event) -> None:
    """Do jobs of these queues, the first queue's first, until told to stop; then end what runs.

    A cancellation gives the running jobs back. Looks into the catalog: no broker is needed.
    """
    loop = asyncio.get_running_loop()
    running: dict[str, asyncio.Task[_Went]] = {}
    shunned = Shunned()
    resting = loop.time()  # until then nothing is begun: there was no room
    abandoned: tuple[str, ...] = ()
    stopping = asyncio.create_task(stop.wait())
    tidied = -bench.shop.jobs.sweep_s
    try:
        while not stop.is_set():
            with suppress(CatalogError):  # away; it is looked at again
                if loop.time() - tidied > bench.shop.jobs.sweep_s:
                    tidied = loop.time()
                    await bench.tidy()
                    abandoned = await bench.abandoned(queues)
                places = slots if loop.time() >= resting else 0
                avoided = running.keys() | shunned.now(loop.time())
                waiting = await bench.next(queues, limit=slots + len(avoided))
                for job_id in (*abandoned, *waiting):
                    if len(running) < places and job_id not in avoided | running.keys():
                        running[job_id] = asyncio.create_task(_logged(bench, job_id))
            await asyncio.wait(
                {stopping, *running.values()}, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED
            )
            for job_id in [one for one, task in running.items() if task.done()]:
                went = running.pop(job_id).result()
                shunned.tell(job_id, loop.time(), is_well=went is not _Went.UNWRITTEN)
                if went is _Went.NO_ROOM:
                    resting = loop.time() + NO_ROOM_S
            abandoned = ()
        await asyncio.gather(*running.values())
    finally:
        left = {stopping, *running.values()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@dataclass(slots=True)
class Shunned:
    """Jobs whose rows can be read but not written now: let be a while, each time for longer."""

    _until: dict[str, tuple[float, float]] = field(default_factory=dict)  # when, and how long

    def now(self, time_s: float) -> set[str]:
        """Those that are to be let be at that time."""
        return {job_id for job_id, (until, _) in self._until.items() if time_s < until}

    def tell(self, job_id: str, time_s: float, *, is_well: bool) -> None:
        """Say how it went with a job."""
        _, last = self._until.pop(job_id, (0.0, 0.0))
        if not is_well:
            wait = min(2 * last or _SHUN_S, _SHUN_MAX_S)
            self._until[job_id] = (time_s + wait, wait)


class _Went(Enum):
    """How it went with a job."""

    WELL = auto()  # whatever came of it
    NO_ROOM = auto()  # for its files
    UNWRITTEN = auto()  # not even its row could be written


async def _logged(bench: Bench, job_id: str) -> _Went:
    """Do a job."""
    try:
        return _Went.WELL if await bench.do(job_id) else _Went.NO_ROOM
    except Exception as exc:  # noqa: BLE001 - of one job; its lease ends, and it is tried again
        _log.warning("job %s: %s: %s", job_id, type(exc).__name__, exc)
        return _Went.UNWRITTEN


class _NobodyWaits:
    """The place of a job that waits for no other."""

    @asynccontextmanager
    async def left(self) -> AsyncIterator[None]:
        yield

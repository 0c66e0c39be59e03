"""The executor that `headwater serve` brings along: a process beside it that does the jobs.

A process of its own, and a nice one: what encodes must not take the time of what delivers. It is
forked before the origin has threads and loops, replaced when it dies, and ends with the origin,
however that ends.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from catalog.records import JobQueue
from configs.settings import Settings
from configs.telemetry.board import Board
from configs.telemetry.series import Family
from origin import workers
from pipeline.bench import Bench, work
from pipeline.cli.buckets import make_masters
from pipeline.cli.workshop import open_whole_workshop
from pipeline.cores import available_cores
from pipeline.errors import PipelineError
from pipeline.log_reporter import LogReporter
from pipeline.worker_figures import CountingReporter, WorkerMeters

_log = logging.getLogger("headwater.executor")

_NICER = 5  # than the origin
_GRACE_S = 10.0  # a running track is given back, to go on with another executor
_QUEUES = (JobQueue.HOT, JobQueue.BULK)
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Executor:
    """The process beside the origin, or none: then it has no figures, and nothing to begin."""

    begin: Callable[[], None]
    figures: Callable[[], Sequence[Family]]


@contextmanager
def embedded_executor(settings: Settings) -> Iterator[Executor]:
    """Have jobs done beside the block, if the settings want that, once it is told to begin."""
    if not settings.jobs.embedded or settings.jobs.executor != "local":
        yield Executor(lambda: None, tuple)
        return
    board = Board(1)
    alive_read, alive_write = os.pipe()
    process = _FORK.Process(target=_supervise, args=(settings, board, alive_read, alive_write))
    process.start()
    os.close(alive_read)
    try:
        yield Executor(lambda: _begin(alive_write), lambda: WorkerMeters().of(board))
    finally:
        os.close(alive_write)
        process.join(_GRACE_S * 2)
        if process.is_alive():
            process.kill()
            process.join()


def _begin(alive_write: int) -> None:
    with suppress(BrokenPipeError):  # it was killed before there was anything to do
        os.write(alive_write, b".")


def _supervise(settings: Settings, board: Board, alive_read: int, alive_write: int) -> None:
    """Keep one executor running, from the origin's word until the origin is gone."""
    os.close(alive_write)
    os.setpgid(0, 0)  # Ctrl-C is the origin's to handle: this ends after it
    os.nice(_NICER)
    if not os.read(alive_read, 1):  # what keeps the origin from starting is said by the origin
        return
    threading.Thread(target=_end_with, args=(alive_read,), daemon=True).start()

    def do(ready: Callable[[], None]) -> None:
        asyncio.run(_do(settings, board, ready))

    try:
        workers.supervise(do, count=1, grace_s=_GRACE_S, on_ready=lambda: None)
    except workers.WorkersFailed as exc:
        _log.error("jobs are not done here any more: %s", exc)


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)  # nothing more is written: it ends when the origin's end is closed
    with suppress(ProcessLookupError):
        os.kill(os.getpid(), signal.SIGTERM)


async def _do(settings: Settings, board: Board, ready: Callable[[], None]) -> None:
    """Do jobs until SIGTERM; what runs then is given back."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    workers.on_orphaned(loop, stop.set)
    try:
        async with open_whole_workshop(settings, "serve") as shop:
            ready()
            reporter = CountingReporter(LogReporter(), board)
            bench = Bench(shop, reporter, make_masters(settings))
            slots = settings.ingest.jobs or available_cores()
            working = asyncio.create_task(work(bench, _QUEUES, slots, asyncio.Event()))
            await _until(working, stop)
    except PipelineError as exc:  # no ffmpeg: an origin that only delivers needs none
        _log.warning("no jobs are done here: %s", exc)
        ready()
        await stop.wait()


async def _until(working: asyncio.Task[None], stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working

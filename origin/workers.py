"""Several worker processes on one port: started, watched, replaced, ended together.

They are forked, not spawned: what a worker runs is a closure over settings that are already
checked, the parent has no threads and no event loop at that point, and the code is shared memory.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

_LOG = logging.getLogger("headwater.origin")
_FORK = multiprocessing.get_context("fork")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_WELL_S = 60.0  # a worker that lives for so long had nothing wrong with it
_PATIENCE = 5  # deaths before any worker was ready, then the parent gives up
_FIRST_S = 0.1  # before another is started; doubled with each death
_LONGEST_S = 30.0
_MARGIN_S = 5.0  # beyond the grace, before what is left is killed

Work = Callable[[Callable[[], None]], None]

# The read end of a pipe whose other end only the parent holds: it ends when the parent does.
_parent_pipe: int | None = None


class WorkersFailed(Exception):
    """The workers die as soon as they are started."""


def supervise(work: Work, *, count: int, grace_s: float, on_ready: Callable[[], None]) -> None:
    """Run `count` processes of `work` until SIGTERM or SIGINT; replace those that die.

    `work` is given a function to call when it answers requests, and ends on SIGTERM.
    `on_ready` is called when all of the first ones do.
    """
    with _signals() as signaled:
        crew = _Crew(work, count)
        signal.signal(signal.SIGHUP, lambda *_: crew.pass_on(signal.SIGHUP))
        try:
            crew.watch(signaled, on_ready)
        except BaseException:
            crew.pass_on(signal.SIGTERM)
            raise
        finally:
            crew.stop(signaled, grace_s + _MARGIN_S)


def on_orphaned(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """In a worker: call back when the parent is gone, however it went. Elsewhere: nothing."""
    if _parent_pipe is not None:
        pipe = _parent_pipe

        def orphaned() -> None:
            loop.remove_reader(pipe)
            call()

        loop.add_reader(pipe, orphaned)


class _Crew:
    """The processes and the two pipes that connect them with the parent."""

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._count = count
        self._processes: dict[int, tuple[ForkProcess, float]] = {}  # by sentinel; start time
        self._was_ready = False  # any of them, ever
        self._deaths = 0  # since all were well
        self._rests_until = 0.0  # time.monotonic(): no worker is started before
        self._ready_read, self._ready_write = os.pipe()
        self._alive_read, self._alive_write = os.pipe()

    def watch(self, signaled: int, on_ready: Callable[[], None]) -> None:
        """Keep `count` processes running until there is something to read from `signaled`."""
        ready = 0
        while True:
            while len(self._processes) < self._count and time.monotonic() >= self._rests_until:
                self._start()
            events = wait([signaled, self._ready_read, *self._processes], self._rest_s())
            if signaled in events:
                return
            if self._ready_read in events:
                self._was_ready = True
                before, ready = ready, ready + len(os.read(self._ready_read, 64))
                if before < self._count <= ready:
                    on_ready()
            for sentinel in self._processes.keys() & set(events):
                self._bury(sentinel)

    def _rest_s(self) -> float | None:
        """How long until the next is to be started; None where all run."""
        if len(self._processes) == self._count:
            return None
        return max(0.0, self._rests_until - time.monotonic())

    def _start(self) -> None:
        process = _FORK.Process(target=self._be_worker, daemon=False)
        # Held back until the new process has let go of our handlers: they would write to our pipe.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._processes[process.sentinel] = (process, time.monotonic())

    def _be_worker(self) -> None:
        global _parent_pipe  # noqa: PLW0603 - set once, in a process that is one worker's own
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it listens to it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(self._alive_write)
        _parent_pipe = self._alive_read
        self._work(lambda: _write_byte(self._ready_write))

    def _bury(self, sentinel: int) -> None:
        """Note a death, and rest before the next start: the longer, the more there were.

        The cause may pass (a catalog that is away), and the workers that are left go on meanwhile.
        WorkersFailed only where there never was one that could work.
        """
        process, started = self._processes.pop(sentinel)
        process.join()
        now = time.monotonic()
        self._deaths = 0 if now - started >= _WELL_S else self._deaths + 1
        if self._deaths >= _PATIENCE and not self._was_ready:
            msg = f"workers end as soon as they start (the last one with code {process.exitcode})"
            raise WorkersFailed(msg)
        rest_s = 0.0
        if self._deaths > 1:  # the first is replaced at once
            longest = min(_LONGEST_S, _FIRST_S * 2 ** min(self._deaths, 10))
            rest_s = longest * random.uniform(0.5, 1)
        self._rests_until = max(self._rests_until, now + rest_s)
        message = "worker %s ended with code %s; starting another in %.1f s"
        _LOG.error(message, process.pid, process.exitcode, rest_s)

    def pass_on(self, number: int) -> None:
        """Send a signal to all of them."""
        for process, _ in tuple(self._processes.values()):
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)

    def stop(self, signaled: int, timeout_s: float) -> None:
        """Pass on what ends them, wait, and kill what is left.

        Whoever tells the parent twice means that they are to end at once: SIGINT says that.
        """
        deadline = time.monotonic() + timeout_s
        is_told = False
        while self._processes and (left := deadline - time.monotonic()) > 0:
            events = wait([signaled, *self._processes], left)
            if signaled in events:
                first, *others = os.read(signaled, 64)
                self.pass_on(signal.SIGINT if is_told or others else first)
                is_told = True
            for sentinel in self._processes.keys() & set(events):
                self._processes.pop(sentinel)[0].join()
        for process, _ in self._processes.values():
            process.kill()
            process.join()
        for pipe in (self._ready_read, self._ready_write, self._alive_read, self._alive_write):
            os.close(pipe)


@contextmanager
def _signals() -> Iterator[int]:
    """A descriptor to read SIGTERM and SIGINT from, a byte for each, so that none can be missed."""
    read, write = os.pipe()

    def note(number: int, _frame: object) -> None:
        _write_byte(write, number)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield read
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(read)
        os.close(write)


def _write_byte(pipe: int, value: int = 0) -> None:
    with suppress(OSError):  # nobody reads any more: then nobody needs to know
        os.write(pipe, bytes((value,)))

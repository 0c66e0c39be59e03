"""What each worker of an origin does to be seen.

It measures how late its event loop is, puts its figures on its page every second, and answers
`/metrics` for all workers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiohttp import hdrs, web

from configs.telemetry.series import Family, Kind
from origin.bodies import json_answer
from origin.meters import OriginMeters
from origin.operations import Operations
from origin.quality import Quality
from origin.shared import Shared

_LOG = logging.getLogger("headwater.origin")

_BEAT_S = 0.25  # between two measures of the event loop
_AT_ONCE = 50  # reports of players, which take 2 ms
_MOST_OF_A_BEAT = 250  # reports: some hundredths of the CPU
_BEATS = 4  # after so many the page is written


class Monitor:
    """One worker's part."""

    def __init__(
        self,
        shared: Shared,
        meters: OriginMeters,
        operations: Operations,
        quality: Quality,
        beside: Callable[[], Sequence[Family]],
    ) -> None:
        self._shared = shared
        self._beside = beside
        self._meters = meters
        self._page = shared.board.take()
        self._task: asyncio.Task[None] | None = None
        self._operations = operations
        self._quality = quality
        self._watch_process()

    def begin(self) -> None:
        """Go on from the figures of the worker that had the page before, until `end`."""
        self._meters.meters.resume(self._page.before())
        self._publish()
        self._task = asyncio.create_task(self._beat())

    async def end(self) -> None:
        """Leave the last figures on the page."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._publish()

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """The figures of all workers, for Prometheus, and their media type."""
        # Slow to import, and not needed by those whom nobody asks.
        from configs.telemetry.exposition import exposition  # noqa: PLC0415

        looked_up = await self._operations.look()
        self._publish()
        sheets = self._shared.board.read()
        families = self._meters.meters.merged(
            [sheet.snapshot for sheet in sheets if sheet.is_fresh],
            [sheet.snapshot for sheet in sheets if not sheet.is_fresh],
        )
        return exposition([*families.values(), *looked_up.values(), *self._beside()], accept)

    async def _beat(self) -> None:
        lag = self._meters.lag
        cell = lag.cell()
        while True:
            for _ in range(_BEATS):
                await self._read_reports()
                due = time.perf_counter() + _BEAT_S  # uvloop's own clock has a grain of 1 ms
                await asyncio.sleep(_BEAT_S)
                lag.count(cell, max(0.0, time.perf_counter() - due))
            try:
                self._shared.listening.turn()
                self._publish()
            except Exception:  # noqa: BLE001 - the work goes on, seen or not
                _LOG.exception("the figures of this worker cannot be shown")

    async def _read_reports(self) -> None:
        for _ in range(_MOST_OF_A_BEAT // _AT_ONCE):  # what is beyond waits, and then is dropped
            if not self._quality.work(_AT_ONCE):
                break
            await asyncio.sleep(0)  # others go first

    def _publish(self) -> None:
        self._page.write(self._meters.meters.snapshot())

    def _watch_process(self) -> None:
        """Figures of the process itself, by its page's number: what a restart does not change."""
        meters, worker = self._meters.meters, str(self._page.number)
        memory = meters.gauge("headwater_worker_resident_bytes", "Memory of a worker.", "worker")
        started = meters.gauge(
            "headwater_worker_start_time_seconds", "When a worker began (Unix).", "worker"
        )
        cpu = meters.counter("headwater_worker_cpu_seconds_total", "CPU time.", "worker")
        active = meters.gauge(
            "headwater_active_streams",
            "Playback tokens that media were sent to in the last whole minute, of all workers.",
            kind=Kind.MAX,
        )
        began = time.time()
        meters.follow(cpu, time.process_time, worker)
        meters.on_look(lambda: memory.put(_resident_bytes(), worker))
        meters.on_look(lambda: started.put(began, worker))
        meters.on_look(lambda: active.put(self._shared.listening.estimate()))


def _resident_bytes() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - the quickest
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no Linux: the most that it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def admin_app(monitor: Monitor) -> web.Application:
    """What operators and their programs ask; not for listeners."""
    app = web.Application()
    add_metrics(app, monitor)

    async def get_healthz(_request: web.Request) -> web.Response:
        return json_answer({"status": "ok"})

    app.router.add_get("/healthz", get_healthz)
    return app


def add_metrics(app: web.Application, monitor: Monitor) -> None:
    """`/metrics`."""

    async def get_metrics(request: web.Request) -> web.Response:
        body, content_type = await monitor.scrape(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(
            body=body,
            headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"},
        )

    app.router.add_get("/metrics", get_metrics)

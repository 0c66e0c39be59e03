"""Serving: one event loop per worker, a graceful end, and the shortcut for media."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from configs.settings import MonitoringSettings, OriginSettings
from origin import access_log, workers
from origin.app import EDGE_AUTH, LICENSE, MEDIA, make_app
from origin.connection import Connection
from origin.guarded import Guard
from origin.listening import ServeError, address_url, require_free, reserve
from origin.load import LOAD, raise_file_limit
from origin.monitor import Monitor, admin_app
from origin.paths import AUTH, PREFIX
from origin.paths import LICENSE as LICENSE_PATH
from origin.reloading import reloading
from origin.shared import Shared
from origin.state import STATE, OriginDeps
from origin.stopping import Stopping
from origin.tls import open_tls, reload_of
from origin.traced import traced

try:
    import uvloop
except ImportError:  # not made for this platform: asyncio's own loop serves, at half the speed
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

_LOG = logging.getLogger("headwater.origin")

OpenDeps = Callable[[], AbstractAsyncContextManager[OriginDeps]]
Announce = Callable[[str], None]

_KEEP_ALIVE_S = 75.0  # longer than the 60 s that proxies and browsers keep idle connections
_HANDSHAKE_S = 10.0
_BACKLOG = 4096  # connections of a crowd while the loop is busy; the system's limit may be less
_GC_ALLOCATIONS = 20_000  # more than there were deallocations: then the young are looked at
_PROBES = frozenset(("/healthz", "/readyz", "/metrics"))

__all__ = ["ServeError", "serve", "start"]


def say_ready(url: str) -> None:
    """Tell an operator, and scripts that wait for this line."""
    sys.stderr.write(f"headwater: serving at {url}\n")
    sys.stderr.flush()


def serve(
    settings: OriginSettings,
    open_deps: OpenDeps,
    announce: Announce = say_ready,
    monitoring: MonitoringSettings | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `announce` is told the base URL once requests are answered.

    Every worker opens its own dependencies. Raises ServeError for an address or a certificate
    that cannot be used, and whatever `open_deps` raises.
    """
    context = open_tls(settings)
    raise_file_limit()
    shared = Shared.of(settings.workers)
    if settings.workers > 1 and settings.port:
        require_free(settings.host, settings.port)
    with (
        reserve(settings.host, settings.port, shared=settings.workers > 1) as reserved,
        _reserve_admin(monitoring) as admin,
    ):
        url = address_url(reserved, tls=context is not None)
        if settings.workers == 1:
            place = Place(reserved, admin, context, shared)
            _run(_serve_one(open_deps, place, lambda: announce(url)))
            return
        # Once here, before the workers: what is wrong is told once, and what is made at first
        # use (the schema, files of secrets) is made by one process.
        _run(_try(open_deps))

        def work(ready: Callable[[], None]) -> None:
            with ExitStack() as stack:
                own = stack.enter_context(_again(reserved))
                own_admin = None if admin is None else stack.enter_context(_again(admin))
                _run(_serve_one(open_deps, Place(own, own_admin, context, shared), ready))

        workers.supervise(
            work,
            count=settings.workers,
            grace_s=settings.drain_delay_s + settings.shutdown_grace_s,
            on_ready=lambda: announce(url),
        )


async def start(
    deps: OriginDeps,
    listening: socket.socket,
    context: ssl.SSLContext | None = None,
    shared: Shared | None = None,
) -> web.AppRunner:
    """Answer requests on a bound socket until the returned runner's `cleanup()`."""
    app = make_app(deps, shared)
    options: dict[str, Any] = {
        "access_log": access_log.LOGGER,
        "access_log_class": access_log.access_logger(app[STATE].meters.requests),
        "auto_decompress": False,  # compressed bodies are refused, not unpacked
        "keepalive_timeout": _KEEP_ALIVE_S,
    }
    runner = web.AppRunner(app, shutdown_timeout=deps.settings.shutdown_grace_s, **options)
    loop = asyncio.get_running_loop()
    guard = Guard(app[LOAD], loop)
    app.on_cleanup.append(guard.stop)
    await runner.setup()
    connect = partial(_take_shortcut(runner, guard), loop=loop, **options)
    await _Site(runner, listening, connect, ssl_context=context, backlog=_BACKLOG).start()
    return runner


class _Site(web.SockSite):
    """A listening socket whose connections are ours."""

    def __init__(
        self,
        runner: web.AppRunner,
        listening: socket.socket,
        connect: Callable[[], Connection],
        **options: Any,
    ) -> None:
        super().__init__(runner, listening, **options)
        self._connect = connect

    async def start(self) -> None:
        """Accept connections."""
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_server(
            self._connect,
            sock=self._sock,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=_HANDSHAKE_S if self._ssl_context else None,
        )


def _take_shortcut(runner: web.AppRunner, guard: Guard) -> Callable[..., Connection]:
    """Let media, license and edges' requests reach their handlers without router and middlewares.

    What is too much is refused here, but for the probes: who is busy is not to be restarted.

    `Server.request_handler` is what each new connection takes its handler from. What is returned
    makes the connections; those answer the plainest requests before aiohttp sees them.
    """
    server = runner.server
    if server is None:
        msg = "the runner is not set up"
        raise RuntimeError(msg)
    routed = traced(server.request_handler)
    load = guard.load
    media = traced(runner.app[MEDIA].handle)
    license_ = traced(runner.app[LICENSE].handle)
    edge_auth = runner.app[EDGE_AUTH].handle

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        path = request.raw_path
        if load.is_too_much and path not in _PROBES:
            return guard.refuse(request)
        if path.startswith(PREFIX):
            return guard.answer(request, media(request))
        if request.method == hdrs.METH_POST and _is_license(path):
            return guard.answer(request, license_(request))
        if path.startswith(AUTH):
            return guard.answer(request, edge_auth(request))
        return guard.answer(request, routed(request))

    server.request_handler = handle
    return partial(
        Connection,
        server,
        guard,
        runner.app[MEDIA].shortcut,
        runner.app[LICENSE].shortcut,
        runner.app[STATE].meters.requests.sent,
    )


def _is_license(target: str) -> bool:
    return target.startswith(LICENSE_PATH) and target[len(LICENSE_PATH) :][:1] in {"", "?"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one worker answers."""

    listening: socket.socket
    admin: socket.socket | None
    context: ssl.SSLContext | None
    shared: Shared


async def _serve_one(open_deps: OpenDeps, place: Place, ready: Callable[[], None]) -> None:
    """One worker: until a signal; then it drains, and running requests end or the grace is over."""
    stopping = Stopping.on_signals(asyncio.get_running_loop())
    async with open_deps() as deps:
        runner = await start(deps, place.listening, place.context, place.shared)
        admin = await _start_admin(runner.app[STATE].monitor, place.admin)
        reloads = (*deps.reloads, *reload_of(deps.settings, place.context))
        _leave_to_gc_what_is_new()
        try:
            async with reloading(reloads):
                ready()
                await stopping.told()
            runner.app[LOAD].drain()
            await stopping.delay(deps.settings.drain_delay_s)
        finally:
            await runner.cleanup()
            if admin is not None:
                await admin.cleanup()


async def _start_admin(monitor: Monitor, bound: socket.socket | None) -> web.AppRunner | None:
    """Answer operators on a bound socket."""
    if bound is None:
        return None
    runner = web.AppRunner(admin_app(monitor), access_log=None)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    return runner


@contextmanager
def _reserve_admin(monitoring: MonitoringSettings | None) -> Iterator[socket.socket | None]:
    """The address for operators, bound; None where the settings name none."""
    if monitoring is None or monitoring.port is None:
        yield None
        return
    names = "monitoring.host, monitoring.port"
    if monitoring.port:
        require_free(monitoring.host, monitoring.port, names)
    with reserve(monitoring.host, monitoring.port, shared=True, settings=names) as bound:
        _LOG.info("operators are answered on %s port %d", *bound.getsockname()[:2])
        yield bound


@contextmanager
def _again(bound: socket.socket) -> Iterator[socket.socket]:
    """The same address, for one of those that share it."""
    with reserve(*bound.getsockname()[:2], shared=True) as own:
        yield own


def _leave_to_gc_what_is_new() -> None:
    """Modules, classes and routes stay for good: the collector need not go over them again.

    And it looks less often: requests leave few cycles, and 700 allocations are 20 requests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_ALLOCATIONS)


async def _try(open_deps: OpenDeps) -> None:
    async with open_deps():
        pass


def _run(main: Awaitable[None]) -> None:
    async def run() -> None:
        await main

    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(run())

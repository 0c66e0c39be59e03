"""The application: everything but the shortcut that the server takes for media and licenses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import hdrs, web

from origin import paths, problem_page, problems, request_ids
from origin.api.endpoint import add_endpoints
from origin.headers import HSTS, STRICT_TRANSPORT_SECURITY
from origin.load import LOAD, Limits, Load
from origin.monitor import add_metrics
from origin.problems import OriginError
from origin.routes import player, reports, speke, uploads, vendor_license
from origin.routes.edge_auth import EdgeAuthHandler
from origin.routes.license import LicenseHandler
from origin.routes.media import MediaHandler, preflight
from origin.routes.openapi import ENDPOINTS
from origin.shared import Shared
from origin.state import STATE, OriginDeps, OriginState

_MAX_BODY_BYTES = 64 << 10

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MEDIA: web.AppKey[MediaHandler] = web.AppKey("media", MediaHandler)
LICENSE: web.AppKey[LicenseHandler] = web.AppKey("license", LicenseHandler)
EDGE_AUTH: web.AppKey[EdgeAuthHandler] = web.AppKey("edge_auth", EdgeAuthHandler)


def make_app(deps: OriginDeps, shared: Shared | None = None) -> web.Application:
    """All routes over these dependencies, which stay the caller's to close."""
    app = web.Application(
        middlewares=[request_ids.named, _problems], client_max_size=_MAX_BODY_BYTES
    )
    state = OriginState(deps, shared or Shared.of(1))
    app[STATE] = state
    app[MEDIA] = MediaHandler(state)
    app[LICENSE] = LicenseHandler(state)
    app[EDGE_AUTH] = EdgeAuthHandler(state)
    app[LOAD] = load = Load(Limits.of(deps.settings))
    state.meters.watch_staying_up(load, state.outage, state.pieces)
    app.cleanup_ctx.append(_run_state)
    app.on_response_prepare.append(_stay_on_tls)
    add_endpoints(app, ENDPOINTS)
    for routes in (speke, vendor_license, uploads, reports):
        routes.add_routes(app)
    player.add_routes(app, deps.settings.public_url)
    if deps.monitoring.public:
        add_metrics(app, state.monitor)
    app.router.add_route(hdrs.METH_POST, paths.LICENSE, app[LICENSE].handle)
    app.router.add_route("*", paths.AUTH + "{rest:.*}", app[EDGE_AUTH].handle)
    app.router.add_route("*", "/v1/t/{rest:.*}", app[MEDIA].handle)
    return app


async def _stay_on_tls(request: web.Request, response: web.StreamResponse) -> None:
    """HSTS for aiohttp's own responses; `origin.wire` adds it to those that are prepared."""
    if request.secure:
        response.headers[STRICT_TRANSPORT_SECURITY] = HSTS


async def _run_state(app: web.Application) -> AsyncIterator[None]:
    app[STATE].monitor.begin()
    yield
    await app[STATE].close()


@web.middleware
async def _problems(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Errors become problem details; compressed bodies, which could be bombs, are refused.

    CORS preflights are answered here, for every path: they carry no token to decide by.
    """
    if request.method == hdrs.METH_OPTIONS:
        is_upload = request.path.startswith(uploads.PATH)
        return uploads.options(request.app[STATE]) if is_upload else preflight()
    extra = uploads.EXTRA if request.path.startswith(uploads.PATH) else None
    if hdrs.CONTENT_ENCODING in request.headers:
        error = OriginError(415, "content-encoding", "Send the body uncompressed.")
        return problems.respond(error, request.method, extra)
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        as_page = problem_page.is_wanted(request)
        return problems.respond(error, request.method, extra, as_page=as_page)

"""Requests as spans of a trace: what aiohttp is asked, not what memory answers before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from configs.telemetry import tracing
from origin import request_ids
from origin.access_log import redact
from origin.meters import route_of

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def traced(handler: Handler) -> Handler:
    """The same handler, with a span for each request; itself while nothing is traced."""
    if not tracing.is_on():
        return handler

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        attributes = {
            "http.request.method": request.method,
            "url.path": redact(request.raw_path),
            "headwater.request": request_ids.of(request),
        }
        with tracing.served(request.method, request.headers, attributes) as note:
            response = await handler(request)
            note("http.response.status_code", response.status)
            note("http.route", route_of(request))
            return response

    return handle

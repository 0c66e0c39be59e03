"""The name of a request: in the log, in the answer, and in the logs of who asked.

A proxy's `X-Request-Id` is kept where it is sane, else one is made. It is returned with all that
no cache keeps, and with every refusal: in a cached segment it would be somebody else's.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from configs.telemetry import context
from origin.wire import WireResponse

HEADER = "X-Request-Id"
# The pattern of a routed request's route.
ROUTE: web.RequestKey[str] = web.RequestKey("route", str)

# Shorter than any token of ours: whoever sends one of those here does not have it logged.
_SANE = re.compile(r"[A-Za-z0-9._:=+/-]{1,64}")
_KIND = "request"
_NAME: web.RequestKey[str] = web.RequestKey("name", str)

_RANDOM = random.Random()  # of our own: nobody else draws from it, or seeds it
os.register_at_fork(after_in_child=_RANDOM.seed)  # each worker makes names of its own

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def of(request: web.BaseRequest) -> str:
    """The request's name."""
    held = request.get(_NAME)
    if held is None:
        held = called(request.headers.get(HEADER, ""))
        request[_NAME] = held
    return held


def called(given: str) -> str:
    """The name that a proxy gave, if it is sane, else a new one."""
    return given if _SANE.fullmatch(given) else new()


def new() -> str:
    """A name for what has none: no secret, and the system's randomness costs ten times as much."""
    return f"{_RANDOM.getrandbits(64):016x}"


def begin(request: web.BaseRequest) -> str:
    """From here on what is logged is about this request; returns its name."""
    name = of(request)
    begin_as(name)
    return name


def begin_as(name: str) -> None:
    """The same for a request of that name."""
    context.begin(request=name)


def current() -> str | None:
    """The name of the request that is being answered."""
    return context.about().get(_KIND)


@web.middleware
async def named(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Give a routed request its name, and note its route."""
    resource = request.match_info.route.resource
    request[ROUTE] = "none" if resource is None else resource.canonical
    name = begin(request)
    response = await handler(request)
    if isinstance(response, WireResponse):
        if response.problem is None:  # else it says so already
            response.add(HEADER, name)
    else:
        response.headers.setdefault(HEADER, name)
    return response

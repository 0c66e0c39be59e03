"""`/api/v1/openapi.json`: all endpoints of the API, those of every module, and what they are."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aiohttp import hdrs, web
from pydantic import ConfigDict

from origin import headers
from origin.api.endpoint import Access, Answer, Call, Endpoint, tagged
from origin.api.fields import Model, NoBody, Params
from origin.api.openapi import document
from origin.routes import catalog_api, health, jobs_api, playback, search_api, uploads


class Parts(Model):
    """How it is with the service (`status`) and with what it depends on, each by name."""

    model_config = ConfigDict(extra="allow")

    status: str


_MEDIA_TYPE = "application/openapi+json"
_FIELDS = {**headers.SHARED, hdrs.CACHE_CONTROL: "public, max-age=300"}
_SERVER = "https://server.invalid"  # in the document that is kept


async def get_openapi(call: Call[Params, NoBody]) -> web.Response:
    """The document, for this server."""
    server = json.dumps(call.state.base_url.of(call.request)).encode()
    data = _made().replace(json.dumps(_SERVER).encode(), server)
    return tagged(call.request, data, _FIELDS, _MEDIA_TYPE)


@cache
def _made() -> bytes:
    """Made once: it takes as long as a thousand segments, and anybody may ask by any host."""
    return json.dumps(document(ENDPOINTS, _SERVER), separators=(",", ":")).encode()


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    *catalog_api.ENDPOINTS,
    *search_api.ENDPOINTS,
    *playback.ENDPOINTS,
    *uploads.ENDPOINTS,
    *jobs_api.ENDPOINTS,
    Endpoint(
        "GET",
        "/healthz",
        lambda call: health.get_healthz(call.request),
        "Whether the process answers; it depends on nothing else.",
        (Answer(Parts, "It does."),),
        Params,
        name="getHealth",
        tag="service",
        access=Access.ANYBODY,
        is_counted=False,
    ),
    Endpoint(
        "GET",
        "/readyz",
        lambda call: health.get_readyz(call.request),
        "Whether the parts that it depends on answer, each by name.",
        (
            Answer(Parts, "All do, or what is known of them still counts: see `status`."),
            Answer(Parts, "No traffic should come.", status=503),
        ),
        Params,
        name="getReadiness",
        tag="service",
        access=Access.ANYBODY,
        is_counted=False,
    ),
    Endpoint(
        "GET",
        "/api/v1/openapi.json",
        get_openapi,
        "This document.",
        (Answer(None, "OpenAPI 3.1.", media_type=_MEDIA_TYPE),),
        Params,
        name="getOpenapi",
        tag="service",
        access=Access.ANYBODY,
        revalidated=True,
    ),
)

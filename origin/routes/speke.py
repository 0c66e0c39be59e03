"""`/speke/v2/copyProtection`: packagers of another make get their keys here. SPEKE 2.0 and 2.1."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version

from aiohttp import hdrs, web

from drm import speke
from drm.access_token import SPEKE_KEYS
from drm.audit import AuditEvent, Auditor, token_name
from drm.external_keys import ExternalKeys
from drm.speke import SpekeRequest
from origin.auth import bearer, program
from origin.bodies import json_answer, no_store, read_body
from origin.problems import OriginError
from origin.state import STATE, OriginState

PATH = "/speke/v2/copyProtection"
_VERSION = "X-Speke-Version"
_USER_AGENT = "X-Speke-User-Agent"
_XML = frozenset((speke.CONTENT_TYPE, "text/xml"))


async def post_copy_protection(request: web.Request) -> web.StreamResponse:
    """The document with its keys, if that can be recorded; a denial too."""
    state = request.app[STATE]
    token = bearer(request)
    what: dict[str, object] = {}
    try:
        await program(request, state.callers, SPEKE_KEYS)
        asked, body = await _answer(state, request, token or "", what)
    except Exception as error:
        await state.key_audit.denied(request, token, what, error)
        raise
    await state.key_audit.given(request, token or "", AuditEvent.KEY, what)
    return web.Response(
        body=body,
        content_type=speke.CONTENT_TYPE,
        charset="utf-8",
        headers={
            **no_store(),
            _VERSION: asked.speke_version,
            _USER_AGENT: f"headwater/{version('headwater')}",
        },
    )


async def _answer(
    state: OriginState, request: web.Request, token: str, what: dict[str, object]
) -> tuple[SpekeRequest, bytes]:
    """Parse, fetch or make; what is given is written to `what`."""
    if request.content_type not in _XML:
        raise OriginError(415, "content-type", f"Send the document as {speke.CONTENT_TYPE}.")
    body = await read_body(request, speke.MAX_REQUEST_BYTES)
    asked = speke.parse_request(body, request.headers.get(_VERSION, "").strip())
    what |= {"content": asked.content_id, "given": [one.kid.hex for one in asked.wanted]}
    deps, now = state.deps, datetime.now(UTC)
    auditor = Auditor(deps.audit, token_name(token), state.base_url.client(request))
    keys = await ExternalKeys(deps.catalog, deps.keyring, deps.tenant).obtain(
        asked.content_id, asked.scheme, asked.wanted, now, auditor
    )
    return asked, speke.answer(asked, keys, deps.key_systems, deps.recipients, now)


async def get_heartbeat(request: web.Request) -> web.Response:  # noqa: ARG001 - aiohttp's form
    """Say that keys can be asked for here. No token: it tells nothing else."""
    return json_answer({"statusMessage": "ok"})


def add_routes(app: web.Application) -> None:
    """The key server's address."""
    app.router.add_route(hdrs.METH_POST, PATH, post_copy_protection)
    app.router.add_route(hdrs.METH_GET, PATH, get_heartbeat)

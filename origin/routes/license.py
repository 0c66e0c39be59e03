"""`POST /license/clearkey`: a W3C license with the keys that a playback token opens."""

from __future__ import annotations

from aiohttp import hdrs, web

from catalog.records import WrappedKeyRecord
from drm import clearkey
from drm.audit import AuditEvent
from drm.errors import Denied
from origin.auth import Grant, bearer
from origin.bodies import no_store, read_body
from origin.problems import Unauthenticated
from origin.state import STATE, OriginState
from packager.model import Kid, Scheme


async def post_license(request: web.Request) -> web.StreamResponse:
    """The license, if that can be recorded; a denial too."""
    state = request.app[STATE]
    token = bearer(request) or request.query.get("token")
    what: dict[str, object] = {}
    try:
        body = await _license(state, request, token, what)
    except Exception as error:
        await state.key_audit.denied(request, token, what, error)
        raise
    await state.key_audit.given(request, token or "", AuditEvent.LICENSE, what)
    # Always 200 on success: hls.js takes no other 2xx.
    return web.Response(body=body, content_type="application/json", headers=no_store())


async def _license(
    state: OriginState, request: web.Request, token: str | None, what: dict[str, object]
) -> bytes:
    """Parse, decide, fetch; what was asked for and given is written to `what`."""
    if token is None:
        raise Unauthenticated
    grant = state.grants.grant(token)
    asked = clearkey.parse_request(await read_body(request, clearkey.MAX_REQUEST_BYTES))
    what["kids"] = [kid.hex for kid in asked.kids]
    records = await _entitled(state, asked.kids, grant)
    if not records:  # unknown keys and other people's keys look the same: no oracle
        raise Denied("not-entitled", "The token opens none of these keys.")
    what["given"] = [record.kid.hex() for record in records]
    opened = [await state.key_rows.open(record) for record in records]
    return clearkey.license(opened, asked.type)


async def _entitled(
    state: OriginState, kids: tuple[Kid, ...], grant: Grant
) -> list[WrappedKeyRecord]:
    """Those of the keys that are of the token's tiers and track, or of one of its release.

    And only while listeners may have that track.

    A content decryption module decrypts samples: keys of whole segments are not for it.
    """
    records = [row for kid in kids if (row := await state.key_rows.get(kid.value)) is not None]
    return [
        record
        for record in records
        if record.tier in grant.tiers
        and record.scheme != Scheme.AES_128.value
        and await state.availability.is_open(record.track_id, grant)
    ]


def add_routes(app: web.Application) -> None:
    """The license server's address, as `drm.playback_urls` writes it."""
    app.router.add_route(hdrs.METH_POST, "/license/clearkey", post_license)

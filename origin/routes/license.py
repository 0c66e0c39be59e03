"""`POST /license/clearkey`: a W3C license with the keys that a playback token opens.

Like media, licenses are answered before the application's router: every track that is played
needs one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from aiohttp import hdrs, web

from drm import clearkey
from drm.audit import AuditEvent
from drm.clearkey import SessionType
from origin import problems, request_ids
from origin.auth import bearer
from origin.bodies import no_store, read_body
from origin.caller import Caller
from origin.paths import LICENSE
from origin.plain_head import PlainHead
from origin.problems import Unauthenticated
from origin.state import OriginState
from origin.wire import Prepared, WireResponse, head

# Always 200 on success: hls.js takes no other 2xx.
_HEAD = head(200, {hdrs.CONTENT_TYPE: "application/json", **no_store()})


class LicenseHandler:
    """Answers license requests of one worker."""

    def __init__(self, state: OriginState) -> None:
        self._grants = state.grants
        self._audit = state.key_audit
        self._rows = state.key_rows
        self._entitled = state.entitled

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The license, if that can be recorded; a denial too. Never raises our own errors."""
        name = request_ids.begin(request)
        token = bearer(request) or request.query.get("token")
        response = WireResponse(*await self._answer(request, token, request))
        if response.problem is None:  # else it says so already
            response.add(request_ids.HEADER, name)
        return response

    def shortcut(self, head: PlainHead, body: bytes) -> Awaitable[Prepared] | None:
        """The same for a request that came whole; None where it is for something else."""
        if head.path != LICENSE or len(body) > clearkey.MAX_REQUEST_BYTES:
            return None
        token = head.bearer
        return None if token is None else self._answer(head, token, body)

    async def _answer(
        self, caller: Caller, token: str | None, body: bytes | web.BaseRequest
    ) -> Prepared:
        what: dict[str, object] = {}
        try:
            try:
                license_ = await self._license(caller, token, body, what)
            except Exception as error:
                await self._audit.denied(caller, token, what, error)
                raise
            await self._audit.given(caller, token or "", AuditEvent.LICENSE, what)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers
            return problems.prepared(error, hdrs.METH_POST)
        return Prepared(200, _HEAD + b"Content-Length: %d\r\n" % len(license_), license_)

    async def _license(
        self,
        caller: Caller,
        token: str | None,
        body: bytes | web.BaseRequest,
        what: dict[str, object],
    ) -> bytes:
        """Parse, decide, fetch; what was asked for and given is written to `what`."""
        if token is None:
            raise Unauthenticated
        grant = self._grants.grant(token)
        what.update(grant.bearer)
        if not isinstance(body, bytes):
            body = await read_body(body, clearkey.MAX_REQUEST_BYTES)
        asked = clearkey.parse_request(body)
        what["kids"] = [kid.hex for kid in asked.kids]
        offline = asked.type is SessionType.PERSISTENT
        if offline:
            what["offline"] = True
        entitled = await self._entitled.of(caller, asked.kids, grant, offline=offline)
        what["given"] = [record.kid.hex() for record in entitled.records]
        opened = [await self._rows.open(record) for record in entitled.records]
        return clearkey.license(opened, asked.type)

"""`POST /license/clearkey`: a W3C license with the keys that a playback token opens.

Like media, licenses are answered before the application's router: every track that is played
needs one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence

from aiohttp import hdrs, web

from drm import clearkey
from drm.audit import AuditEvent
from drm.clearkey import SessionType
from drm.errors import MalformedRequest
from origin import problems, request_ids
from origin.auth import Grant, bearer
from origin.bodies import no_store, read_body
from origin.caller import Caller
from origin.paths import LICENSE
from origin.plain_head import PlainHead
from origin.problems import Unauthenticated
from origin.state import OriginState
from origin.wire import Begun, Prepared, WireResponse, head

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
        return WireResponse(*await self._answer(request, token, request, name))

    def shortcut(self, head: PlainHead, body: bytes) -> Begun | Awaitable[Prepared] | None:
        """The same for a request that came whole; None where it is for something else.

        What is remembered is not waited for: then only the audit's entry is, if at all.
        """
        if head.path != LICENSE or len(body) > clearkey.MAX_REQUEST_BYTES:
            return None
        token = head.bearer
        if token is None:
            return None
        name = request_ids.called(head.request_id)
        try:
            ready = self._ready(head, token, body)
            if ready is None:
                return self._answer(head, token, body, name)
            license_, what = ready
            recorded = self._audit.giving(head, token, AuditEvent.LICENSE, what)
        except Exception as error:  # noqa: BLE001 - as in `_answer`
            return Begun(problems.prepared(error, hdrs.METH_POST), None)
        return Begun(_prepared(license_, name), recorded)

    def _ready(self, caller: Caller, token: str, body: bytes) -> tuple[bytes, str] | None:
        """A license to play now, of keys that are open and granted all, and what to record."""
        grant = self._grants.known(token)
        if grant is None:
            return None
        try:
            asked = clearkey.parse_request(body)
        except MalformedRequest:
            return None
        if asked.type is not SessionType.TEMPORARY:
            return None
        jwks = []
        for kid in asked.kids:
            opened = self._rows.opened(kid.value)
            if opened is None or not self._entitled.has(caller, grant, opened[0]):
                return None
            jwks.append(opened[1])
        return clearkey.license_of(jwks), given_text(grant, [kid.hex for kid in asked.kids])

    async def _answer(
        self, caller: Caller, token: str | None, body: bytes | web.BaseRequest, name: str
    ) -> Prepared:
        request_ids.begin_as(name)
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
        return _prepared(license_, name)

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


def given_text(grant: Grant, kids: Sequence[str]) -> str:
    """What the audit keeps where all that was asked for is given: JSON, as its encoder writes it.

    By hand, which takes a fifth of the time: key ids need no escaping.
    """
    account = "" if grant.stream is None else f'"account":{json.dumps(grant.stream.account)},'
    listed = '","'.join(kids)
    return f'{{{account}"given":["{listed}"],"kids":["{listed}"]}}'


def _prepared(license_: bytes, name: str) -> Prepared:
    own = f"{hdrs.CONTENT_LENGTH}: {len(license_)}\r\n{request_ids.HEADER}: {name}\r\n"
    return Prepared(200, _HEAD + own.encode("ascii"), license_)

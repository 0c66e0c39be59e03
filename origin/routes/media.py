"""`/v1/t/{token}/...`: media, manifests, covers and HLS keys under a signed token.

This handler answers for itself: the server calls it before the application's router, because a
route with middlewares costs twice what a hot segment may. A hot request is four look-ups: token,
reply, rights, bytes; everything else takes the long way through `_answer`.
"""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from drm.audit import AuditEvent
from drm.errors import Denied
from origin import headers, paths, problems, request_ids
from origin.auth import Grant
from origin.caller import Caller
from origin.delivery import AnyRange, Needs, Reply, deliver, redirect
from origin.plain_head import PlainHead
from origin.problems import Missing, OriginError
from origin.state import OriginState
from origin.wire import WireResponse, head

# With one of these a request is no plain GET: preconditions are weighed, ranges are computed.
_CONDITIONS = (
    hdrs.IF_NONE_MATCH,
    hdrs.IF_MATCH,
    hdrs.IF_RANGE,
)
_METHODS = {hdrs.METH_GET, hdrs.METH_HEAD}
_ALLOW: dict[str, str] = {hdrs.ALLOW: "GET, HEAD, OPTIONS"}


class MediaHandler:
    """Answers media requests of one worker."""

    def __init__(self, state: OriginState) -> None:
        self._state = state
        self._grants = state.grants
        self._replies = state.replies
        self._held = state.pieces.held
        self._accel = state.deps.settings.accel_redirect
        self._is_from_proxy = state.base_url.is_from_proxy
        self._is_permitted = state.entitlements.is_known
        self._is_covered = state.availability.is_covered

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to any request under the prefix; never raises our own errors."""
        try:
            path, _, _ = request.raw_path.partition("?")  # a query (CMCD) changes nothing
            token, slash, rest = path[len(paths.PREFIX) :].partition("/")
            if request.method == hdrs.METH_GET and slash and not _is_conditional(request):
                ready = self._ready(request, token, rest, request.headers.get(hdrs.RANGE))
                if ready is not None:
                    reply, body = ready
                    return WireResponse(reply.status, reply.head, body)
            return await self._answer(request, path)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers
            return problems.respond_shared(error, request.method)

    def shortcut(self, head: PlainHead) -> tuple[Reply, bytes] | None:
        """What answers a plain GET: a remembered reply, its bytes in memory; else None."""
        return self._ready(head, head.token, head.path, head.range)

    def _ready(
        self, caller: Caller, token: str, rest: str, wanted: str | None
    ) -> tuple[Reply, bytes] | None:
        grant = self._grants.known(token)
        if grant is None:
            return None
        reply = None
        if self._accel is not None and self._is_from_proxy(caller):
            reply = self._replies.get((rest, AnyRange.ANY))
        reply = reply or self._replies.get((rest, wanted))
        if reply is None:
            return None
        needs = reply.needs
        if needs.scope != grant.scope and not self._is_part(needs, grant):
            return None
        if not needs.tiers <= grant.tiers:
            return None
        if not self._is_permitted(caller, grant, needs):
            return None
        body = b"" if reply.piece is None else self._held(reply.piece)
        return None if body is None else (reply, body)

    def _may_redirect(self, request: web.BaseRequest) -> bool:
        """Whether an nginx in front is to send files itself, and this came through it."""
        if self._accel is None or hdrs.IF_RANGE in request.headers:
            return False
        return self._is_from_proxy(request)

    def _is_part(self, needs: Needs, grant: Grant) -> bool:
        """Whether it is a track's, and the token is of the release it is known to be part of."""
        return needs.part is not None and self._is_covered(needs.part, grant)

    async def _answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        request_ids.begin(request)
        if request.method == hdrs.METH_OPTIONS:
            return preflight()
        split = paths.split_token(_origin_form(path))
        media = None if split is None else paths.parse(split[1])
        if split is None or media is None:
            raise Missing
        token, rest = split
        if request.method not in _METHODS:
            raise OriginError(405, "method-not-allowed", "Use GET or HEAD.", headers=_ALLOW)
        grant = self._grants.grant(token)
        if isinstance(media, paths.HlsKey):
            return await self._audited_key(request, media, grant, token)
        what = await self._state.resolver.resolve(request, media, grant)
        if what.is_object and self._may_redirect(request):
            delivery = redirect(request, what, f"{self._accel}{what.object_key}")
        else:
            delivery = await deliver(request, what, self._state.pieces)
        if delivery.reply is not None and not isinstance(media, paths.ReleaseManifest):
            # A release's manifest hangs on many tracks: it is asked for once an album.
            self._replies.put((rest, delivery.reply.range), delivery.reply)
        return delivery.response

    async def _audited_key(
        self, request: web.BaseRequest, path: paths.HlsKey, grant: Grant, token: str
    ) -> WireResponse:
        """A content key, if that can be recorded; a denial too."""
        audit = self._state.key_audit
        what = {"kid": path.kid.hex(), "track": path.track_id, **grant.bearer}
        try:
            response = await self._key(request, path, grant)
        except Exception as error:
            await audit.denied(request, token, what, error)
            raise
        await audit.given(request, token, AuditEvent.KEY, what)
        return response

    async def _key(
        self, request: web.BaseRequest, path: paths.HlsKey, grant: Grant
    ) -> WireResponse:
        """The 16 bytes of a content key. RFC 8216, 4.3.2.4 and 5."""
        await self._state.entitlements.require(request, grant, path.track_id, grant.tiers)
        record = await self._state.key_rows.get(path.kid)
        if (
            record is None
            or (record.track_id, record.revision) != (path.track_id, path.revision)
            or record.tier not in grant.tiers
        ):  # one answer for all of these: no oracle for key ids
            raise Denied("not-entitled", "No right to this key.")
        key = (await self._state.key_rows.open(record)).key
        fields = {
            hdrs.CONTENT_TYPE: "application/octet-stream",
            hdrs.CONTENT_LENGTH: str(len(key)),
            hdrs.CACHE_CONTROL: headers.NO_STORE,
            **headers.SHARED,
        }
        return WireResponse(
            200, head(200, fields), b"" if request.method == hdrs.METH_HEAD else key
        )


def _is_conditional(request: web.BaseRequest) -> bool:
    return any(name in request.headers for name in _CONDITIONS)


def preflight() -> WireResponse:
    """The answer to a CORS preflight: any page may ask, the token decides."""
    return WireResponse(204, head(204, headers.PREFLIGHT))


def _origin_form(target: str) -> str:
    """The path of a request target, which may be in absolute form. RFC 9112, 3.2.2."""
    if target.startswith("/"):
        return target
    _, _, rest = target.partition("://")
    return "/" + rest.partition("/")[2]

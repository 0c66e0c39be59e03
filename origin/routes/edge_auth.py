"""`GET /v1/auth/{token}/{path}`: whether a token opens what `/v1/t/{token}/{path}` is, for edges.

A cache in front of the origin (configs/edge) asks this before it answers from its own copy, and may
keep the answer as long as its Cache-Control says. So a takedown, an embargo or a token's end is
known to all edges within `edge_answer_s`, also for segments, which take no answer of ours else.

204: yes. 401 and 403, with a problem as body: no; that is never kept. Nothing else means no:
nginx's `auth_request` knows only these two, so that what is not there is 403, too. `?refused` is
nginx asking once more, for the words of a refusal: should it be a yes by now, it is 503. `?stored`
is an nginx that has the storage's folder (`accel_redirect`): a yes says where the file is.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from aiohttp import hdrs, web

from catalog.errors import NotFound
from drm.errors import Denied
from drm.policy import DETAILS, Reason
from origin import headers, paths, problems, request_ids
from origin.auth import COVERS_SCOPE, Grant
from origin.delivery import Representation
from origin.problems import Missing, OriginError
from origin.state import OriginState
from origin.wire import WireResponse, head
from storage.base import ObjectNotFound

_ALLOW: dict[str, str] = {hdrs.ALLOW: "GET, HEAD"}
_AGAIN: dict[str, str] = {hdrs.RETRY_AFTER: "0"}
_REFUSED, _STORED = "refused", "stored"  # queries


class EdgeAuthHandler:
    """Answers the edges' questions of one worker."""

    def __init__(self, state: OriginState) -> None:
        self._state = state

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to any request under the prefix; never raises our own errors."""
        request_ids.begin(request)
        try:
            return await self._answer(request)
        except asyncio.CancelledError:
            raise
        except (Missing, NotFound, ObjectNotFound) as error:
            problem = problems.problem_of(error)
            denied = Denied(problem.reason, problem.detail or problem.title)
            return problems.respond(denied, request.method)
        except Exception as error:  # noqa: BLE001 - the one place where errors become answers
            return problems.respond(error, request.method)

    async def _answer(self, request: web.BaseRequest) -> WireResponse:
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            raise OriginError(405, "method-not-allowed", "Use GET or HEAD.", headers=_ALLOW)
        path, _, query = request.raw_path.partition("?")
        split = paths.split_token(paths.PREFIX + path.removeprefix(paths.AUTH))
        media = None if split is None else paths.parse(split[1])
        if split is None or media is None or isinstance(media, paths.HlsKey):
            raise Missing  # keys are never an edge's
        grant = self._state.grants.grant(split[0])
        if isinstance(media, paths.Cover):
            # Nothing is asked of the storage: whether there is one is told by its own answer.
            grant.require(COVERS_SCOPE, frozenset())
            what = None
        else:
            what = await self._state.resolver.resolve(request, media, grant)
        if isinstance(media, paths.Media):
            await self._require_available(media.track_id)
        if query == _REFUSED:
            raise OriginError(503, "refused-before", "It was refused just now.", headers=_AGAIN)
        answer_s = self._state.deps.settings.edge_answer_s
        fields = _fields(grant, () if what is None else what.tags, answer_s)
        if what is not None and query == _STORED:
            fields |= self._place(request, what)
        return WireResponse(204, head(204, fields))

    def _place(self, request: web.BaseRequest, what: Representation) -> dict[str, str]:
        """Where an nginx in front finds the file; nobody else is told."""
        accel = self._state.deps.settings.accel_redirect
        is_told = what.is_object and self._state.base_url.is_from_proxy(request)
        if accel is None or not is_told:
            return {}
        return {headers.ACCEL_REDIRECT: f"{accel}{what.object_key}", hdrs.ETAG: what.etag}

    async def _require_available(self, track_id: str) -> None:
        """What the origin leaves to manifests and keys: nobody else can call a copy back."""
        rights = await self._state.availability.rights(track_id)
        if not rights.is_available(datetime.now(UTC)):
            raise Denied(Reason.UNAVAILABLE.value, DETAILS[Reason.UNAVAILABLE])


def _fields(grant: Grant, tags: tuple[str, ...], answer_s: int) -> dict[str, str]:
    """Header fields of a yes. A purge of the track finds the copies of it, too."""
    left_s = min(answer_s, int(grant.expires - time.time()))
    answer = f"public, max-age={left_s}, must-revalidate" if left_s > 0 else headers.NO_STORE
    return {**headers.Caching(answer, answer).fields(tags), **headers.SHARED}

"""One declaration for each endpoint: what it takes, what it answers, and who does it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Generic, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from drm.errors import DrmError
from drm.model import AccessToken
from origin import headers
from origin.api.fields import Header, Item, Model, NoBody, Page, Params
from origin.auth import listener
from origin.bodies import read_body
from origin.conditional import Outcome, evaluate
from origin.problems import Missing, OriginError
from origin.rates import Rate
from origin.state import STATE, OriginState

P = TypeVar("P", bound=Params)
B = TypeVar("B", bound=Model)

_MAX_BODY_BYTES = 16 << 10
_RETRY: dict[str, str] = {hdrs.RETRY_AFTER: "1"}
_MAX_FIELDS = 512  # characters of `fields`


class Access(Enum):
    """Who may call."""

    ANYBODY = "anybody"
    LISTENER = "listener"  # with an access token


class Place(Enum):
    """Where a parameter is; the values are OpenAPI's."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no refusal."""

    model: type[BaseModel] | None = None  # None: there is no body, or not JSON
    description: str = "As asked."
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)  # name: what it says


@dataclass(frozen=True, slots=True)
class Call(Generic[P, B]):
    """A request that has been let in and understood."""

    request: web.Request
    state: OriginState
    params: P
    body: B
    token: AccessToken | None

    @property
    def caller(self) -> AccessToken:
        """Who calls. For endpoints that are not for anybody."""
        if self.token is None:
            msg = "the endpoint is declared to be for anybody"
            raise ValueError(msg)
        return self.token


Handler = Callable[[Call[P, B]], Awaitable[BaseModel | web.StreamResponse]]


@dataclass(frozen=True)
class Endpoint(Generic[P, B]):
    """A method of a path.

    The handler returns the model of the first answer, which is sent as JSON, or a response of its
    own. With `body` the request has one, as JSON: none at all is that model's defaults, unless
    `needs_body`. A handler that reads the request itself declares `takes`, a media type, instead.

    `sparse` is the item of the answer that `?fields=` chooses fields of. What is `revalidated` has
    an entity tag, and may be kept to be asked for with If-None-Match; else nothing is stored.
    """

    method: str
    path: str
    handler: Handler[P, B]
    summary: str
    answers: tuple[Answer, ...]
    params: type[P]
    name: str  # the operation's, once in the API
    tag: str
    body: type[B] = NoBody  # type: ignore[assignment]  # the B of those that have none
    needs_body: bool = False
    takes: str | None = None
    max_body_bytes: int = _MAX_BODY_BYTES
    access: Access = Access.LISTENER
    sparse: type[Item] | None = None
    revalidated: bool = False
    is_counted: bool = True  # against the caller's quota
    is_brief: bool = True  # cut off after `api.timeout_s`; not so a stream of events, an upload
    refusals: Mapping[int, str] = field(default_factory=dict)  # status: when; beside the usual ones

    @cached_property
    def places(self) -> tuple[tuple[str, str, Place], ...]:
        """Field, name in the request and place of each parameter."""
        return tuple(self._places())

    @property
    def has_body(self) -> bool:
        """Whether a request has a body that the declaration describes."""
        return self.body is not NoBody

    def _places(self) -> Iterator[tuple[str, str, Place]]:
        for name, info in self.params.model_fields.items():
            header = next((one for one in info.metadata if isinstance(one, Header)), None)
            if header is not None:
                yield name, header.name, Place.HEADER
            elif f"{{{name}}}" in self.path:
                yield name, name, Place.PATH
            else:
                yield name, name, Place.QUERY

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Let in, parse, call the handler, respond. Raises what becomes a problem."""
        state = request.app[STATE]
        token, rate = await self._let_in(request, state)
        params = self._params(request)
        chosen = self._chosen(request)
        try:
            async with asyncio.timeout(state.deps.api.timeout_s if self.is_brief else None):
                body = await self._body(request)
                found = await self.handler(Call(request, state, params, body, token))
        except TimeoutError:
            raise OriginError(503, "too-slow", "It took too long.", headers=_RETRY) from None
        if isinstance(found, web.StreamResponse):
            response = found
        else:
            response = self._respond(request, found, chosen)
        if rate is not None and not response.prepared:
            response.headers.update(rate.fields())
        return response

    async def _let_in(
        self, request: web.Request, state: OriginState
    ) -> tuple[AccessToken | None, Rate | None]:
        """Who calls, and what is left of their quota. TooMany when there is nothing left."""
        address = state.base_url.client(request)
        if self.access is Access.ANYBODY:
            return None, (await state.rates.address(address) if self.is_counted else None)
        try:
            token = await listener(request, state.callers)
        except (OriginError, DrmError):
            await state.rates.address(address)
            raise
        return token, (await state.rates.account(token) if self.is_counted else None)

    def _params(self, request: web.Request) -> P:
        values: dict[str, str] = {}
        for name, called, place in self.places:
            if place is Place.PATH:
                values[name] = request.match_info[name]
                continue
            given = (request.query if place is Place.QUERY else request.headers).getall(called, ())
            if len(given) > 1:
                raise refused([(called, "is given more than once")])
            if given:
                values[name] = str(given[0])
        try:
            return self.params.model_validate(values)
        except ValidationError as exc:
            raise self._unfit(exc) from None

    def _unfit(self, exc: ValidationError) -> OriginError:
        """A path that cannot be is not found; anything else is a mistake of the caller's."""
        places = {name: (called, place) for name, called, place in self.places}
        problems = []
        for one in exc.errors(include_url=False, include_input=False):
            called, place = places[str(one["loc"][0])]
            if place is Place.PATH:
                return Missing()
            problems.append((called, one["msg"]))
        return refused(problems)

    def _chosen(self, request: web.Request) -> frozenset[str] | None:
        """The fields that are asked for, the item's identity among them; None: all."""
        if self.sparse is None or "fields" not in request.query:
            return None
        given = request.query.getall("fields")
        names = frozenset(given[0][:_MAX_FIELDS].split(","))
        if len(given) != 1 or not names <= self.sparse.model_fields.keys():
            raise refused([("fields", f"names of: {', '.join(self.sparse.model_fields)}")])
        return names | {self.sparse.identity}

    async def _body(self, request: web.Request) -> B:
        if not self.has_body:
            return self.body()
        data = await read_body(request, self.max_body_bytes)
        try:
            return self.body.model_validate_json(data if data or self.needs_body else b"{}")
        except ValidationError as exc:
            problems = [
                (".".join(map(str, one["loc"])) or "body", one["msg"])
                for one in exc.errors(include_url=False, include_input=False)
            ]
            raise refused(problems, "malformed-request", "The body is not as described.") from None

    def _respond(
        self, request: web.Request, found: BaseModel, chosen: frozenset[str] | None
    ) -> web.Response:
        data = _dumped(found, chosen)
        fields = {**headers.SHARED, hdrs.CACHE_CONTROL: headers.NO_STORE}
        status = self.answers[0].status
        if self.revalidated:
            fields[hdrs.CACHE_CONTROL] = headers.REVALIDATED
            return tagged(request, data, fields)
        return web.Response(
            status=status, body=data, content_type="application/json", headers=fields
        )


def tagged(
    request: web.Request,
    data: bytes,
    fields: Mapping[str, str],
    content_type: str = "application/json",
) -> web.Response:
    """Answer with an entity tag, or, where the request names it, that it is the same still."""
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    fields = {**fields, hdrs.ETAG: etag}
    match evaluate(
        request.method,
        etag=etag,
        if_match=_list_field(request, hdrs.IF_MATCH),
        if_none_match=_list_field(request, hdrs.IF_NONE_MATCH),
    ):
        case Outcome.NOT_MODIFIED:
            return web.Response(status=304, headers=fields)
        case Outcome.PRECONDITION_FAILED:
            raise OriginError(412, "changed", "It is not what If-Match names.")
        case Outcome.PROCEED:
            return web.Response(body=data, content_type=content_type, headers=fields)


def refused(
    problems: Iterable[tuple[str, str]],
    reason: str = "bad-parameters",
    detail: str = "Some parameters are not as described.",
) -> OriginError:
    """What is told of parameters, or a body, that are not as declared: by name."""
    errors = [{"name": name, "problem": problem} for name, problem in problems]
    return OriginError(400, reason, detail, more={"errors": errors})


def add_endpoints(app: web.Application, endpoints: Iterable[Endpoint[Any, Any]]) -> None:
    """Route to endpoints; HEAD is answered where GET is."""
    for one in endpoints:
        if one.method == hdrs.METH_GET:
            app.router.add_get(one.path, one.answer)
        else:
            app.router.add_route(one.method, one.path, one.answer)


def _dumped(found: BaseModel, chosen: frozenset[str] | None) -> bytes:
    if chosen is None:
        return found.model_dump_json().encode()
    document = found.model_dump(mode="json", by_alias=True)
    if isinstance(found, Page):
        listed = next(iter(type(found).model_fields))
        document[listed] = [_pruned(one, chosen) for one in document[listed]]
    else:
        document = _pruned(document, chosen)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _pruned(document: Mapping[str, Any], chosen: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name in chosen}


def _list_field(request: web.Request, name: str) -> str | None:
    return ", ".join(request.headers.getall(name, ())) or None

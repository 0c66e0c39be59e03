"""A representation and a request make a response: preconditions, ranges, cached pieces."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus

from aiohttp import hdrs, web

from origin import conditional, headers, ranges
from origin.headers import Caching
from origin.packages import Layout
from origin.pieces import Piece, Pieces
from origin.wire import StreamedResponse, WireResponse, head
from packager.model import ByteSpan, Loudness


class AnyRange(Enum):
    """What stands for each Range field; no text, as clients can write any text."""

    ANY = auto()


@dataclass(frozen=True, slots=True)
class Needs:
    """What a token must have for a representation, and what must be so in the catalog."""

    scope: str
    tiers: frozenset[str]
    track_id: str | None = None  # where the policy binds: the track that it is asked about
    part: str | None = None  # the track whose release's token opens it as well
    says_album: bool = False  # whether it says how loud the track's album is
    album: Loudness | None = None  # what it says of that; None: that it is not known
    kept: bool = False  # it is a plain file, which whoever gets it can keep


@dataclass(frozen=True, slots=True)
class Representation:
    """Something immutable that can be sent, whole or in part."""

    needs: Needs
    object_key: str
    span: ByteSpan  # the bytes of the object that it is made of
    layout: Layout  # the pieces that cover the span
    etag: str  # strong, quotes included
    content_type: str
    caching: Caching
    tags: tuple[str, ...] = ()  # what a purge finds it by: its track, its release
    body: bytes | None = None  # the whole of it, where it was made here instead of stored

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.span.size

    @property
    def is_object(self) -> bool:
        """Whether it is a stored object, the whole of it."""
        whole = ByteSpan(0, self.layout.pieces[-1].end)
        return self.body is None and self.span == whole


@dataclass(frozen=True, slots=True)
class Reply:
    """A prepared head and the one piece that is its body: what a hot request is answered from."""

    range: str | AnyRange | None  # the one spelling of Range that it answers; None: there is none
    status: int
    head: bytes
    piece: Piece | None  # None: it has no body
    needs: Needs


@dataclass(frozen=True, slots=True)
class Delivery:
    """The response, and the reply to remember for the next who asks the same, if there is one."""

    response: WireResponse
    reply: Reply | None = None


async def deliver(request: web.BaseRequest, what: Representation, pieces: Pieces) -> Delivery:
    """Answer a GET or HEAD. RFC 9110, 13.2.2: preconditions come first, then the range."""
    outcome = _precondition(request, what)
    if outcome is not conditional.Outcome.PROCEED:
        return Delivery(_bare(outcome.value, what))
    selection = ranges.select(
        request.method,
        _joined(request, hdrs.RANGE),
        request.headers.get(hdrs.IF_RANGE),
        etag=what.etag,
        size=what.size,
    )
    match selection:
        case ranges.Unsatisfiable():
            return Delivery(_unsatisfiable(what))
        case ranges.Part(start, end):
            extra = {hdrs.CONTENT_RANGE: selection.content_range(what.size)}
            status = HTTPStatus.PARTIAL_CONTENT
        case _:
            start, end, extra, status = 0, what.size, {}, HTTPStatus.OK
    prepared = head(status, _fields(what) | {hdrs.CONTENT_LENGTH: str(end - start)} | extra)
    if request.method == hdrs.METH_HEAD or start == end:
        return Delivery(WireResponse(status, prepared))
    span = ByteSpan(what.span.start + start, what.span.start + end)
    return await _send(request, _Prepared(status, prepared, span), what, pieces)


def redirect(request: web.BaseRequest, what: Representation, place: str) -> Delivery:
    """Have the nginx in front send a stored object itself, whole or in part, from that place.

    It knows neither our entity tags (so there may be no If-Range) nor our digests: what its disk
    holds is what is sent.
    """
    outcome = _precondition(request, what)
    if outcome is not conditional.Outcome.PROCEED:
        return Delivery(_bare(outcome.value, what))
    fields = _fields(what) | {headers.ACCEL_REDIRECT: place, hdrs.CONTENT_LENGTH: "0"}
    prepared = head(HTTPStatus.OK, fields)
    reply = Reply(AnyRange.ANY, HTTPStatus.OK, prepared, None, what.needs)
    return Delivery(WireResponse(HTTPStatus.OK, prepared), reply)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A head, and the bytes of the object that are to follow it."""

    status: int
    head: bytes
    span: ByteSpan


async def _send(
    request: web.BaseRequest, prepared: _Prepared, what: Representation, pieces: Pieces
) -> Delivery:
    """The bytes at once where they lie in one piece, else piece by piece."""
    span, status = prepared.span, prepared.status
    covering = what.layout.covering(span.start, span.end)
    piece = (what.object_key, covering[0].start, covering[0].end)
    began = time.perf_counter()
    is_held = what.body is not None or piece in pieces.cache
    first = await pieces.get(piece, what.layout) if what.body is None else what.body
    if what.body is None:
        pieces.read_ahead(what.object_key, what.layout, covering[-1])
    hot = prepared.head + _MEMORY
    sent = hot if is_held else prepared.head + _storage(time.perf_counter() - began)
    if len(covering) > 1:
        chunks = _chunks(first, covering, span, what, pieces)
        return Delivery(StreamedResponse(status, sent, chunks))
    if covering[0] != span:
        part = first[span.start - covering[0].start : span.end - covering[0].start]
        return Delivery(WireResponse(status, sent, part))
    if what.body is not None:
        pieces.put(piece, what.body)
    response = WireResponse(status, sent, first)
    reply = Reply(_canonical_range(status, span, what), status, hot, piece, what.needs)
    asked = request.headers.get(hdrs.RANGE)
    return Delivery(response, reply if asked == reply.range else None)


# Where the bytes came from, and how long that took. W3C Server Timing.
_MEMORY = f"{headers.SERVER_TIMING}: memory\r\n".encode()


def _storage(seconds: float) -> bytes:
    """The same of bytes that were waited for."""
    return f"{headers.SERVER_TIMING}: storage;dur={seconds * 1000:.1f}\r\n".encode()


def _canonical_range(status: int, span: ByteSpan, what: Representation) -> str | None:
    """How our own manifests make players write it.

    Other spellings are not remembered: there is no end of them.
    """
    if status == HTTPStatus.OK:
        return None
    start = span.start - what.span.start
    return f"bytes={start}-{start + span.size - 1}"


async def _chunks(
    first: bytes, covering: tuple[ByteSpan, ...], span: ByteSpan, of: Representation, pieces: Pieces
) -> AsyncIterator[bytes]:
    """The bytes of `span`, one piece in hand at a time."""
    yield first[span.start - covering[0].start :]
    for piece in covering[1:]:
        data = await pieces.get((of.object_key, piece.start, piece.end), of.layout)
        yield data if piece.end <= span.end else data[: span.end - piece.start]


def _precondition(request: web.BaseRequest, what: Representation) -> conditional.Outcome:
    return conditional.evaluate(
        request.method,
        etag=what.etag,
        if_match=_joined(request, hdrs.IF_MATCH),
        if_none_match=_joined(request, hdrs.IF_NONE_MATCH),
    )


def _joined(request: web.BaseRequest, name: str) -> str | None:
    """A field's value; several lines are one list. RFC 9110, 5.3."""
    lines = request.headers.getall(name, None)
    return None if lines is None else ", ".join(lines)


def _fields(what: Representation) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: what.content_type,
        hdrs.ETAG: what.etag,
        hdrs.ACCEPT_RANGES: "bytes",
        **what.caching.fields(what.tags),
        **headers.SHARED,
    }


def _bare(status: int, what: Representation) -> WireResponse:
    """A 304 keeps the fields that a 200 would have had for caches (RFC 9110, 15.4.5); a 412 too."""
    fields = {hdrs.ETAG: what.etag, **what.caching.fields(what.tags)}
    if status == HTTPStatus.PRECONDITION_FAILED:
        fields = {hdrs.CACHE_CONTROL: headers.NO_STORE, hdrs.CONTENT_LENGTH: "0"}
    return WireResponse(status, head(status, fields | headers.SHARED))


def _unsatisfiable(what: Representation) -> WireResponse:
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    fields = {
        hdrs.CONTENT_RANGE: f"bytes */{what.size}",  # RFC 9110, 15.5.17
        hdrs.CONTENT_LENGTH: "0",
        hdrs.CACHE_CONTROL: headers.NO_STORE,
        hdrs.ETAG: what.etag,
    }
    return WireResponse(status, head(status, fields | headers.SHARED))

"""Errors as problem details. RFC 9457: one table from exception class to answer.

Every answer has a machine-readable `reason`; details never repeat a token or a key id. Nothing
here may be cached but a 404 for media, and that only for seconds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import hdrs, web

from catalog.errors import CatalogError, NotFound
from drm.cpix import CpixError, MalformedXml
from drm.errors import (
    AuditUnavailable,
    Denied,
    DrmError,
    ExpiredToken,
    IdentityProviderAway,
    InvalidToken,
    KeyNotFound,
    MalformedRequest,
)
from drm.speke import SpekeRefused
from drm.vendors import VendorAway, VendorRefused
from origin import headers as common
from origin import problem_page, request_ids
from origin.wire import Prepared, WireResponse, head
from storage.base import ObjectNotFound, StorageError

_LOG = logging.getLogger("headwater.origin")

_BEARER: dict[str, str] = {hdrs.WWW_AUTHENTICATE: "Bearer"}
_BEARER_INVALID: dict[str, str] = {hdrs.WWW_AUTHENTICATE: 'Bearer error="invalid_token"'}
_DOCUMENT: dict[str, str] = {hdrs.CONTENT_TYPE: "application/problem+json"}
_RETRY: dict[str, str] = {hdrs.RETRY_AFTER: "1"}


class OriginError(Exception):
    """A request that the origin itself refuses."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = dict(more or {})  # further members of the document
        super().__init__(detail)


class Unauthenticated(OriginError):
    """There is no token where one is needed."""

    def __init__(self) -> None:
        super().__init__(401, "token-missing", "This needs a token.", headers=_BEARER)


class Missing(OriginError):
    """There is no such thing here, or not for listeners now."""

    def __init__(self, reason: str = "not-found", detail: str = "There is no such thing.") -> None:
        super().__init__(404, reason, detail)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a client is told."""

    status: int
    reason: str
    title: str
    detail: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    def body(self) -> bytes:
        """The `application/problem+json` document."""
        document: dict[str, object] = {
            "type": f"urn:headwater:problem:{self.reason}",
            "title": self.title,
            "status": self.status,
            "reason": self.reason,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if self.request_id is not None:
            document["request_id"] = self.request_id
        document |= self.more
        return json.dumps(document).encode()

    def page(self) -> bytes:
        """The same for people, as HTML."""
        return problem_page.render(self.status, self.title, self.detail, self.headers)


# Most specific class first: the first that matches answers. A None detail stays inside.
_TABLE: tuple[tuple[type[Exception], Problem], ...] = (
    (ExpiredToken, Problem(401, "token-expired", "The token has expired", headers=_BEARER_INVALID)),
    (
        InvalidToken,
        Problem(401, "token-invalid", "The token is not valid", headers=_BEARER_INVALID),
    ),
    (MalformedRequest, Problem(400, "malformed-request", "The request is malformed")),
    # The same answer as for a key of somebody else's track: no oracle for key ids.
    (KeyNotFound, Problem(403, "not-entitled", "No right to these keys")),
    (
        IdentityProviderAway,
        Problem(503, "identity-unavailable", "Tokens cannot be checked now", headers=_RETRY),
    ),
    (VendorAway, Problem(503, "vendor-unavailable", "No license now", headers=_RETRY)),
    (VendorRefused, Problem(502, "vendor-refused", "The vendor gives no license")),
    (
        AuditUnavailable,
        Problem(503, "audit-unavailable", "What is given cannot be recorded", headers=_RETRY),
    ),
    (DrmError, Problem(503, "keys-unavailable", "Keys cannot be opened now", headers=_RETRY)),
    # In the middle of a body; nobody reads the answer.
    (ConnectionError, Problem(400, "client-gone", "The client has gone")),
    (NotFound, Problem(404, "not-found", "Not found")),
    (ObjectNotFound, Problem(404, "not-found", "Not found")),
    (CatalogError, Problem(503, "catalog-unavailable", "The catalog is away", headers=_RETRY)),
    (StorageError, Problem(503, "storage-unavailable", "The storage is away", headers=_RETRY)),
)
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "In conflict",
    410: "Gone",
    412: "Precondition failed",
    413: "Too large",
    415: "Not supported",
    422: "Not processable",
    423: "Locked",
    460: "Checksum mismatch",
    503: "Not now",
    507: "No room",
    429: "Too many requests",
}


def problem_of(error: Exception) -> Problem:
    """What to tell about an error. Logs those that are ours to mend."""
    if isinstance(error, OriginError):
        title = _TITLES.get(error.status, "Error")
        return Problem(
            error.status, error.reason, title, error.detail, error.headers, more=error.more
        )
    if isinstance(error, Denied):
        return Problem(403, error.reason, _TITLES[403], error.detail)
    if isinstance(error, (CpixError, SpekeRefused)):
        return _of_document(error)
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    for kind, problem in _TABLE:
        if isinstance(error, kind):
            if problem.status >= 500 and not getattr(error, "is_logged", False):
                _LOG.error("%s: %s", problem.reason, error)
            return problem
    request_id = request_ids.current() or request_ids.new()
    _LOG.exception("unexpected error, request id %s", request_id, exc_info=error)
    return Problem(500, "internal-error", "Internal error", request_id=request_id)


def _of_document(error: CpixError | SpekeRefused) -> Problem:
    """What a packager's document gets: SPEKE wants 422, and its own texts word by word."""
    if isinstance(error, MalformedXml):
        return Problem(400, "malformed-document", _TITLES[400], str(error))
    reason = "speke-refused" if isinstance(error, SpekeRefused) else "invalid-document"
    return Problem(422, reason, _TITLES[422], str(error))


def _of_http(error: web.HTTPException) -> Problem:
    """What aiohttp's router and body reader refuse: 404, 405, 413."""
    allow = error.headers.get(hdrs.ALLOW)
    headers: dict[str, str] = {} if allow is None else {hdrs.ALLOW: allow}
    reason = error.reason.lower().replace(" ", "-")
    return Problem(error.status, reason, error.reason, headers=headers)


def respond(
    error: Exception,
    method: str,
    extra: Mapping[str, str] | None = None,
    *,
    as_page: bool = False,
) -> WireResponse:
    """The response that tells of an error, with header fields that every answer there has."""
    return WireResponse(*prepared(error, method, extra, as_page=as_page))


def respond_shared(error: Exception, method: str) -> WireResponse:
    """The same where what is missing is so for everybody, which caches may say for a while."""
    return WireResponse(*prepared(error, method, missing=common.SOON_FORGOTTEN))


def prepared(
    error: Exception,
    method: str,
    extra: Mapping[str, str] | None = None,
    *,
    missing: str = common.NO_STORE,
    as_page: bool = False,
) -> Prepared:
    """The same, for a connection that writes for itself; `missing`: Cache-Control of a 404."""
    problem = problem_of(error)
    body = problem.page() if as_page else problem.body()
    headers = {
        **(problem_page.FIELDS if as_page else _DOCUMENT),
        hdrs.CONTENT_LENGTH: str(len(body)),
        hdrs.CACHE_CONTROL: missing if problem.status == 404 else common.NO_STORE,
        **common.SHARED,
        **(extra or {}),
        **problem.headers,
    }
    if (request_id := request_ids.current()) is not None:
        headers[request_ids.HEADER] = request_id
    return Prepared(
        problem.status,
        head(problem.status, headers),
        b"" if method == hdrs.METH_HEAD else body,
        problem.reason,
    )

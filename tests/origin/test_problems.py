"""One table from errors to answers."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp import web

from catalog.errors import CatalogError, NotFound
from drm.errors import (
    Denied,
    ExpiredToken,
    IdentityProviderAway,
    InvalidToken,
    KeyNotFound,
    MalformedRequest,
    WrongKek,
)
from drm.vendors.model import VendorAway, VendorLeftAlone, VendorRefused
from origin.problems import (
    Missing,
    OriginError,
    Unauthenticated,
    prepared,
    problem_of,
    respond,
    respond_shared,
)
from packager.model import Kid
from storage.base import ObjectNotFound, StorageError


def test_a_page_says_what_the_document_says_and_holds_no_markup_of_others() -> None:
    page = problem_of(OriginError(410, "upload-ended", "<b> it expired")).page().decode()
    assert "&lt;b&gt; it expired" in page
    assert "410" in page


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ExpiredToken(), 401, "token-expired"),
        (InvalidToken("the signature does not match"), 401, "token-invalid"),
        (Unauthenticated(), 401, "token-missing"),
        (MalformedRequest("not JSON"), 400, "malformed-request"),
        (Denied("tier-not-open", "no"), 403, "tier-not-open"),
        (KeyNotFound(Kid(bytes(16))), 403, "not-entitled"),
        (WrongKek("k", 1, "altered"), 503, "keys-unavailable"),
        (IdentityProviderAway(), 503, "identity-unavailable"),
        (VendorAway("secret"), 503, "vendor-unavailable"),
        (VendorRefused("secret"), 502, "vendor-refused"),
        (NotFound("track", "x"), 404, "not-found"),
        (ObjectNotFound("/srv/secret/path"), 404, "not-found"),
        (Missing(), 404, "not-found"),
        (CatalogError("/srv/secret/path"), 503, "catalog-unavailable"),
        (StorageError("/srv/secret/path"), 503, "storage-unavailable"),
        (OriginError(413, "body-too-large", "too large"), 413, "body-too-large"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "method-not-allowed"),
        (ValueError("/srv/secret/path"), 500, "internal-error"),
    ],
)
def test_every_error_has_an_answer(error: Exception, status: int, reason: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.reason) == (status, reason)
    document = json.loads(problem.body())
    assert document["status"] == status
    assert document["reason"] == reason
    assert document["type"].endswith(reason)
    assert "secret" not in problem.body().decode()


def test_only_media_may_be_missing_for_all_who_ask_a_cache() -> None:
    assert b"Cache-Control: no-store\r\n" in prepared(Missing(), "GET").head
    shared = respond_shared(Missing(), "GET")
    assert b"Cache-Control: public, max-age=2\r\n" in shared._wire_head
    assert b"Cache-Control: no-store\r\n" in respond_shared(Denied("no", "no"), "GET")._wire_head


def test_an_unexpected_error_is_logged_under_the_id_that_the_client_sees(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        document = json.loads(problem_of(ValueError("what happened")).body())
    assert document["request_id"] in caplog.text
    assert "what happened" in caplog.text


def test_a_401_says_how_to_authenticate() -> None:
    for error in (ExpiredToken(), InvalidToken("x"), Unauthenticated()):
        assert problem_of(error).headers["WWW-Authenticate"].startswith("Bearer")


def test_the_answer_to_head_has_no_body() -> None:
    assert respond(Missing(), "HEAD").status == 404


def test_what_comes_with_every_request_is_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    assert problem_of(VendorLeftAlone()).reason == "vendor-unavailable"
    assert problem_of(IdentityProviderAway()).reason == "identity-unavailable"
    assert caplog.text == ""  # whoever found it out has told
    assert problem_of(VendorAway("status 503")).status == 503
    assert "status 503" in caplog.text

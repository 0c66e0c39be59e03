"""RFC 9110, clause 13."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.conditional import Outcome, evaluate

ETAG = '"abc"'
GO, SAME, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.PRECONDITION_FAILED
MODIFIED = datetime(2025, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)
EARLIER = "Fri, 21 Nov 2025 11:59:59 GMT"
EXACTLY = "Fri, 21 Nov 2025 12:00:00 GMT"
LATER = "Fri, 21 Nov 2025 12:00:01 GMT"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, GO),
        # If-None-Match: weak comparison, 13.1.2
        ({"if_none_match": ETAG}, SAME),
        ({"if_none_match": f"W/{ETAG}"}, SAME),
        ({"if_none_match": "*"}, SAME),
        ({"if_none_match": " * "}, SAME),
        ({"if_none_match": f'"x", {ETAG}'}, SAME),
        ({"if_none_match": f'"x",W/{ETAG},"y"'}, SAME),
        ({"if_none_match": '"x"'}, GO),
        ({"if_none_match": "abc"}, GO),
        ({"if_none_match": ""}, GO),
        ({"if_none_match": '"a,b", "*"'}, GO),
        # If-Match: strong comparison, 13.1.1
        ({"if_match": ETAG}, GO),
        ({"if_match": "*"}, GO),
        ({"if_match": f'"x", {ETAG}'}, GO),
        ({"if_match": f"W/{ETAG}"}, FAILED),
        ({"if_match": '"x"'}, FAILED),
        ({"if_match": ""}, FAILED),
        # both: If-Match first
        ({"if_match": '"x"', "if_none_match": ETAG}, FAILED),
        ({"if_match": ETAG, "if_none_match": ETAG}, SAME),
        # dates: 13.1.3 and 13.1.4
        ({"if_modified_since": EARLIER}, GO),
        ({"if_modified_since": EXACTLY}, SAME),
        ({"if_modified_since": LATER}, SAME),
        ({"if_modified_since": "yesterday"}, GO),
        ({"if_modified_since": ""}, GO),
        ({"if_unmodified_since": EARLIER}, FAILED),
        ({"if_unmodified_since": EXACTLY}, GO),
        ({"if_unmodified_since": LATER}, GO),
        ({"if_unmodified_since": "yesterday"}, GO),
        # a tag takes the date's place
        ({"if_none_match": '"x"', "if_modified_since": LATER}, GO),
        ({"if_match": ETAG, "if_unmodified_since": EARLIER}, GO),
        ({"if_unmodified_since": EARLIER, "if_none_match": ETAG}, FAILED),
    ],
)
def test_preconditions_of_a_get(fields: dict[str, str], expected: Outcome) -> None:
    assert evaluate("GET", etag=ETAG, last_modified=MODIFIED, **fields) is expected
    assert evaluate("HEAD", etag=ETAG, last_modified=MODIFIED, **fields) is expected


def test_dates_without_a_last_modified_are_ignored() -> None:
    assert evaluate("GET", etag=ETAG, if_modified_since=LATER) is GO
    assert evaluate("GET", etag=ETAG, if_unmodified_since=EARLIER) is GO


def test_other_methods_fail_instead_of_304() -> None:
    assert evaluate("POST", etag=ETAG, if_none_match=ETAG) is FAILED
    assert evaluate("POST", etag=ETAG, last_modified=MODIFIED, if_modified_since=LATER) is GO


@given(st.text(max_size=60))
def test_any_text_has_an_outcome(text: str) -> None:
    for field in ("if_match", "if_none_match", "if_modified_since", "if_unmodified_since"):
        assert evaluate("GET", etag=ETAG, last_modified=MODIFIED, **{field: text}) in Outcome

"""RFC 9110, clause 13."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.conditional import Outcome, evaluate

ETAG = '"abc"'
GO, SAME, FAILED = Outcome.PROCEED, Outcome.NOT_MODIFIED, Outcome.PRECONDITION_FAILED


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
    ],
)
def test_preconditions_of_a_get(fields: dict[str, str], expected: Outcome) -> None:
    assert evaluate("GET", etag=ETAG, **fields) is expected
    assert evaluate("HEAD", etag=ETAG, **fields) is expected


def test_other_methods_fail_instead_of_304() -> None:
    assert evaluate("POST", etag=ETAG, if_none_match=ETAG) is FAILED


@given(st.text(max_size=60))
def test_any_text_has_an_outcome(text: str) -> None:
    for field in ("if_match", "if_none_match"):
        assert evaluate("GET", etag=ETAG, **{field: text}) in Outcome

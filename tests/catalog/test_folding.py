"""Names that are the same to people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.folding import fold


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Beyoncé", "beyonce"),
        ("BEYONCE\u0301", "beyonce"),
        ("Sigur Rós", "sigur ros"),
        ("  The   Knife\n", "the knife"),
        ("Mø", "mo"),
        ("Ænima", "aenima"),
        ("Straße", "strasse"),
        ("Ｗｉｄｅ", "wide"),  # noqa: RUF001 - full-width letters are the point
        ("Don\u2019t", "don't"),
        ("Jay\u2013Z", "jay-z"),
        ("!!!", "!!!"),
        ("\u0301", "\u0301"),
        ("", ""),
    ],
)
def test_case_accents_and_typography_do_not_count(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize(("one", "other"), [("ガ", "カ"), ("कि", "क"), ("A", "B")])
def test_other_letters_stay_other_letters(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)

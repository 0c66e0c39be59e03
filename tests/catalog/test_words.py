"""What search takes for the same words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.spelling import distance
from catalog.words import asked, indexed


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("AC/DC", "acdc"),
        ("AC/DC", "ac dc"),
        ("AC/DC", "ac/dc"),
        ("Nu\u2019est", "nuest"),
        ("Nu'est", "Nu\u2019est"),
        ("R.E.M.", "rem"),
        ("Dvořák", "dvorak"),
        ("Dødheimsgard", "Dodheimsgard"),
        ("Röyksopp", "royksopp"),
        ("邓丽君", "丽君"),
        ("邓丽君", "丽"),
        ("きゃりーぱみゅぱみゅ", "ぱみゅ"),
        ("방탄소년단", "소년"),
        ("Straße 7", "STRASSE 7"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_a_name_is_found_as_it_is_typed(name: str, typed: str) -> None:
    assert asked(typed)
    assert set(asked(typed)) <= set(indexed(name))


@pytest.mark.parametrize(("name", "typed"), [("邓丽君", "丽邓"), ("ガ", "カ"), ("Low", "Slow")])
def test_what_is_another_word_is_not_found(name: str, typed: str) -> None:
    assert not set(asked(typed)) <= set(indexed(name))


@pytest.mark.parametrize("text", ["", "  ", "!!!", "'", '" OR "', "\0"])
def test_what_has_no_words(text: str) -> None:
    assert "\0" not in "".join(indexed(text))
    assert all(word.isalnum() for word in asked(text))


@given(st.text(max_size=40))
def test_words_are_letters_marks_and_digits_and_find_themselves(text: str) -> None:
    for word in (*indexed(text), *asked(text)):
        assert not set(word) & set(" '\"\\\0*")
    assert set(asked(text)) <= set(indexed(text))


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("dreams", "dreams", 0),
        ("dreems", "dreams", 1),
        ("glomr", "glorm", 1),
        ("fletwood", "fleetwood", 1),
        ("metalica", "metallica", 1),
        ("ab", "", 2),
        ("kitten", "sitting", 3),
    ],
)
def test_mistakes_are_counted(one: str, other: str, far: int) -> None:
    assert distance(one, other, 3) == distance(other, one, 3) == far
    assert distance(one, other, 1) == min(far, 2)

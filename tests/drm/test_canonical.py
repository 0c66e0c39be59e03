from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drm.canonical import join

fields = st.lists(st.binary(max_size=6), max_size=5)


def test_each_field_stands_behind_its_length() -> None:
    expected = b"\x00\x00\x00\x02ab" + b"\x00\x00\x00\x00" + b"\x00\x00\x00\x0212"
    assert expected == join("ab", b"", 12)


@given(fields, fields)
def test_different_lists_never_look_the_same(one: list[bytes], other: list[bytes]) -> None:
    assert (join(*one) == join(*other)) is (one == other)

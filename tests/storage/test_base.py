"""Values and errors of the protocol."""

from __future__ import annotations

import pytest

from storage.base import ByteRange, InvalidKey, ObjectExists, ObjectNotFound, StorageError


def test_a_range_knows_its_size() -> None:
    assert ByteRange(2, 5).size == 3


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 2), (-2, -1)])
def test_a_range_that_cannot_be_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="cannot go from"):
        ByteRange(start, end)


def test_whether_to_try_again_belongs_to_the_error() -> None:
    assert StorageError("x").transient
    assert not StorageError("x", transient=False).transient
    assert not any(kind("x").transient for kind in (InvalidKey, ObjectExists, ObjectNotFound))

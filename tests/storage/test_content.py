"""What is to be stored is hashed as servers hash it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import content
from storage.base import StorageError

PART = 1000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 5500), seed=st.binary(min_size=1, max_size=3))
def test_a_file_is_its_parts(tmp_path: Path, size: int, seed: bytes) -> None:
    data = (seed * size)[:size]
    path = tmp_path / "file"
    path.write_bytes(data)
    what = content.of_file(path, PART)
    parts = [what.read(number) for number in range(len(what.md5s))]
    assert b"".join(parts) == data
    assert what.size == size
    assert what.sha256 == hashlib.sha256(data).hexdigest()
    assert what.md5s == tuple(hashlib.md5(part).digest() for part in parts)
    if size <= 2 * PART:
        assert what.etag == hashlib.md5(data).hexdigest()
    else:
        assert {len(part) for part in parts[:-1]} == {PART}
        assert 0 < len(parts[-1]) <= PART
        assert what.etag.endswith(f"-{len(parts)}")


def test_there_are_never_too_many_parts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(25_000))
    assert len(content.of_file(path, 1).md5s) == 8334  # of 3 bytes: 10,000 are the most


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3000))
    what = content.of_file(path, PART)
    path.write_bytes(bytes(2500))
    assert what.read(1) == bytes(1000)
    with pytest.raises(StorageError, match="became shorter") as caught:
        what.read(2)
    assert not caught.value.transient


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*none: no such file") as caught:
        content.of_file(tmp_path / "none", PART)
    assert not caught.value.transient

from __future__ import annotations

from drm.errors import DrmError, KeyNotFound
from packager.model import Kid


def test_a_missing_key_is_named_by_its_kid() -> None:
    kid = Kid(bytes(range(16)))
    error = KeyNotFound(kid)
    assert isinstance(error, DrmError)
    assert error.kid == kid
    assert str(kid) in str(error)

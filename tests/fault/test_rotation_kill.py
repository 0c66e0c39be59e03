"""The short form of scripts/fault/rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rotation import kill_rotations

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_a_rotation_that_is_killed_anywhere(tmp_path: Path) -> None:
    print(kill_rotations(tmp_path, kills=5, seed=5))

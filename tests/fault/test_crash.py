"""The short form of scripts/fault/crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.crash import Crash, crash

pytestmark = [pytest.mark.slow]


def test_an_album_that_is_killed_anywhere_is_published_once(tmp_path: Path) -> None:
    print(crash(tmp_path, Crash(kills=3, tracks=4, seed=7), say=print))

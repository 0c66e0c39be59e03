"""The short form of `scripts/fault/hostile_masters`: every 15th case, in one batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.fault.hostile_cases import make_callers, make_cases
from scripts.fault.hostile_run import Trap, run_callers, run_cases

pytestmark = pytest.mark.slow


@pytest.fixture
def trap() -> Iterator[Trap]:
    one = Trap()
    yield one
    one.close()


def test_every_hostile_master_ends_in_one_clear_line(trap: Trap, tmp_path: Path) -> None:
    cases = make_cases(tmp_path / "cases", trap.url, every=15)
    verdicts = run_cases(cases, tmp_path / "home")
    assert len(cases) > 24
    assert [(one.case.name, one.problems) for one in verdicts if one.problems] == []
    assert trap.visits == []
    assert Counter(one.status for one in verdicts)["failed"] > len(cases) / 3


def test_without_a_sandbox_nobody_is_called_either(trap: Trap, tmp_path: Path) -> None:
    """In bubblewrap there is no way to a server: here only what ffmpeg is told holds it."""
    cases = make_callers(tmp_path / "cases", trap.url)
    assert len(cases) > 15
    assert trap.hears(cases[0].path)
    verdicts = run_callers(cases, tmp_path / "home")
    assert [(one.case.name, one.problems) for one in verdicts if one.problems] == []
    assert trap.visits == []

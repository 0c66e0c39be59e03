"""The short form of `scripts/fault/hostile_masters`: every 15th case, in one batch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from scripts.fault.hostile_cases import make_cases
from scripts.fault.hostile_run import Trap, run_cases


@pytest.mark.slow
def test_every_hostile_master_ends_in_one_clear_line(tmp_path: Path) -> None:
    trap = Trap()
    try:
        cases = make_cases(tmp_path / "cases", trap.url, every=15)
        verdicts = run_cases(cases, tmp_path / "home")
    finally:
        trap.close()
    assert len(cases) > 24
    assert [(one.case.name, one.problems) for one in verdicts if one.problems] == []
    assert trap.visits == []
    assert Counter(one.status for one in verdicts)["failed"] > len(cases) / 3

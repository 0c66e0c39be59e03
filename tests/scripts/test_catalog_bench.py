"""The bench of what the API asks the catalog, in its smallest form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts/bench/catalog"


@pytest.mark.slow
def test_it_measures_every_look_up_and_search() -> None:
    command = [sys.executable, str(BENCH), "--json", "--tracks", "200", "--quick"]
    done = subprocess.run(
        [*command, "--database", "sqlite"], capture_output=True, text=True, check=True
    )
    report = json.loads(done.stdout)
    assert report["tracks"] == 200
    for one in report["sqlite"].values():
        assert all(value > 0 for value in one.values())
    assert report["sqlite"]["two such words"]["limit_ms"] == 50
    assert report["sqlite"]["track"]["cpu_p99_ms"] > report["sqlite"]["track"]["driver_ms"]

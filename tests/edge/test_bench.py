"""`scripts/bench/edge` at its smallest: its figures, as far as small numbers show them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench" / "edge"

pytestmark = [pytest.mark.server, pytest.mark.alone]  # a crowd comes by the clock


def test_the_hit_ratio_is_that_of_the_caches_size_whoever_listens() -> None:
    small = ("--tracks", "300", "--sessions", "250", "--seconds", "1")
    command = (str(SCRIPT), "--quick", "--json", "--only", "zipf", "--only", "crowd", *small)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    zipf, crowd = found["zipf"], found["crowd"]
    assert zipf["errors"] == 0
    assert zipf["requests"] == 1000
    assert zipf["hit_ratio"] == pytest.approx(zipf["lru_of_that_size"], abs=0.01)
    assert zipf["hit_ratio"] <= zipf["best_of_that_size"] + 0.01
    assert zipf["difference_points"] < 1
    assert crowd["errors"] == 0
    assert crowd["requests"] == 4 * 500

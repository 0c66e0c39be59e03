"""`scripts/bench/edge` at its smallest: its figures, as far as small numbers show them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

KILLED = "the leader's nginx worker is killed"
SCRIPT = Path(__file__).parents[2] / "scripts" / "bench" / "edge"

pytestmark = [pytest.mark.server, pytest.mark.alone]  # a crowd comes by the clock


def test_the_hit_ratio_is_that_of_the_caches_size_whoever_listens() -> None:
    small = ("--tracks", "300", "--sessions", "250", "--seconds", "1")
    parts = ("--only", "zipf", "--only", "cold", "--only", "crowd")
    command = (str(SCRIPT), "--quick", "--json", *parts, *small)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    zipf, crowd, cold = found["zipf"], found["crowd"], found["cold"]
    assert zipf["errors"] == 0
    assert zipf["requests"] == 1000
    assert zipf["hit_ratio"] == pytest.approx(zipf["lru_of_that_size"], abs=0.01)
    assert zipf["hit_ratio"] <= zipf["best_of_that_size"] + 0.01
    assert zipf["difference_points"] < 1
    assert crowd["errors"] == 0
    assert crowd["requests"] == 4 * 500
    # Who leads dies: one more read, and right bytes for all but those whose own worker it was, and
    # a few who were asking that moment.
    origins, edges = cold["the origin's worker that reads is killed"], cold[KILLED]
    everybody = cold["clients"] + 1
    assert origins["storage_reads"] in {2, 3}
    assert origins["answered"] + origins["refused"] == everybody
    assert origins["refused"] <= everybody // 20
    assert edges["storage_reads"] <= 2
    assert edges["answered"] + edges["cut_off"] == everybody
    assert edges["answered"] > 0
    assert origins["wrong"] == edges["wrong"] == 0
    assert edges["slowest_first_byte_s"] < 3 + 0.5 + 2  # lock_age, nginx's look each half a second

"""`scripts/bench/catalog_scale` measures both databases; here as little as it can."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "bench" / "catalog_scale"


@pytest.mark.server
def test_every_query_and_table_is_measured_on_both_databases() -> None:
    command = (str(SCRIPT), "--json", "--tracks", "20", "40", "--repeats", "4")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found.keys() == {"sqlite", "postgresql"}
    for report in found.values():
        assert len(report["queries"]) > 20
        assert all(times.keys() == {"20", "40"} for times in report["queries"].values())
        assert report["sizes"]["renditions"] > 0
        assert report["sizes"]["ix_tracks_isrc"] > 0

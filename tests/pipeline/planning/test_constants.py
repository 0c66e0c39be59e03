from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from configs.planning import load_planning
from pipeline.errors import WrongRequest
from pipeline.planning.constants import measured_here

DEFAULTS = load_planning(None).measured


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def figure(name: str, unit: str, ours: float, **more: float) -> dict[str, Any]:
    return {"name": name, "unit": unit, "ours": ours, "peer": 1, "ratio": 1, **more}


def test_figures_of_the_benchmarks_replace_the_packaged_ones(tmp_path: Path) -> None:
    origin = write(
        tmp_path / "origin.json",
        [
            figure("64 KiB segment: headwater", "requests/s", 1),
            figure("64 KiB segment: headwater", "requests/CPU s", 12_000.5),
            figure("3 KiB manifest: headwater", "requests/CPU s", 9000),
            figure("3 KiB manifest: bare aiohttp", "requests/CPU s", 1),
        ],
    )
    licenses = write(tmp_path / "license.json", [figure("license, audited", "requests/CPU s", 800)])
    ingest = write(tmp_path / "ingest.json", [figure("ingest: CPU", "s", 36.0, audio_s=480)])
    found, names = measured_here(DEFAULTS, [origin, licenses, ingest])
    assert found.media_requests_per_core == 12_000.5
    assert found.manifest_requests_per_core == 9000
    assert found.license_requests_per_core == 800
    assert found.encode_cpu_s_per_s == pytest.approx(0.075)
    assert found.catalog_bytes_per_track == DEFAULTS.catalog_bytes_per_track
    assert len(names) == 4


@pytest.mark.parametrize(
    "value",
    [
        {},
        [1],
        [],
        [figure("something else", "s", 1)],
        [figure("ingest: CPU", "s", 36.0)],
        [figure("ingest: CPU", "s", 36.0, audio_s=0)],
    ],
)
def test_what_is_of_no_use_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(WrongRequest):
        measured_here(DEFAULTS, [write(tmp_path / "a.json", value)])


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(WrongRequest, match="JSON"):
        measured_here(DEFAULTS, [tmp_path / "a.json"])

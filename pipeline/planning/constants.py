"""The benchmarks' JSON -> what was measured on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from configs.planning import Measured
from pipeline.errors import WrongRequest

# Name and unit in the JSON of scripts/bench/origin and license -> ours.
_RATES = {
    ("64 KiB segment: headwater", "requests/CPU s"): "media_requests_per_core",
    ("license, audited", "requests/CPU s"): "license_requests_per_core",
}
_MANIFEST = ("manifest", "headwater")  # in the name: how long the manifest is stands there, too
_INGEST = "ingest: CPU"


def measured_here(defaults: Measured, files: Iterable[Path]) -> tuple[Measured, tuple[str, ...]]:
    """The constants, and the names of those that these files have replaced.

    WrongRequest for a file that is no list of figures, or of no use.
    """
    found: dict[str, float] = {}
    for path in files:
        of_file = dict(_constants(path, _figures(path)))
        if not of_file:
            raise WrongRequest(f"{path}: no figure in it is of use here")
        found |= of_file
    return defaults.model_copy(update=found), tuple(sorted(found))


def _figures(path: Path) -> list[dict[str, Any]]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise WrongRequest(f"{path}: cannot be read as JSON: {exc}") from exc
    if not isinstance(figures, list) or not all(isinstance(one, dict) for one in figures):
        raise WrongRequest(f"{path}: it is not what scripts/bench/... --json prints")
    return figures


def _constants(path: Path, figures: list[dict[str, Any]]) -> Iterable[tuple[str, float]]:
    for one in figures:
        name, unit, ours = str(one.get("name")), str(one.get("unit")), one.get("ours")
        if not isinstance(ours, (int, float)) or ours <= 0:
            continue
        if (name, unit) in _RATES:
            yield _RATES[name, unit], float(ours)
        elif unit == "requests/CPU s" and all(word in name for word in _MANIFEST):
            yield "manifest_requests_per_core", float(ours)
        elif name == _INGEST:
            audio_s = one.get("audio_s")
            if not isinstance(audio_s, (int, float)) or audio_s <= 0:
                raise WrongRequest(f"{path}: it does not say of how much audio (`audio_s`)")
            yield "encode_cpu_s_per_s", float(ours) / audio_s

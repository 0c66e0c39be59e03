"""configs/monitoring: Prometheus' own tool reads it, and it asks for nothing that there is not."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.settings import OriginSettings
from configs.telemetry.series import Kind
from origin.app import make_app
from origin.operations import Operations
from origin.state import STATE
from pipeline.worker_figures import WorkerMeters
from tests.support import house as houses

FOLDER = Path(__file__).parents[2] / "configs" / "monitoring"
_NAME = re.compile(r"\bheadwater_[a-z0-9_]+")
_LABELS = re.compile(r"(headwater_[a-z0-9_]+)\{([^}]*)\}")


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    assert program, "there is no promtool: run `scripts/setup test`, which brings it"
    done = subprocess.run(
        [program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]:
        yield from group["rules"]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel["targets"]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What origin and worker export: the names of samples, and their labels."""
    house = houses.copy(houses.built(tmp_path_factory), tmp_path_factory.mktemp("m") / "house")

    async def families() -> dict[str, set[str]]:
        async with houses.open_deps(house, OriginSettings(port=0)) as deps:
            app = make_app(deps)
            state = app[STATE]
            scraped = await state.monitor.scrape("")
            await state.close()
            operations = await Operations(deps.catalog, deps.store, deps.settings).look()
            every = [
                *state.meters.meters.families.values(),
                *operations.values(),
                *WorkerMeters().meters.families.values(),
            ]
            named = re.findall(r"^# TYPE (\S+)", scraped[0].decode(), re.MULTILINE)
            assert {one.name for one in every} >= set(named)
            return {name: set(one.labels) for one in every for name in _samples(one.name, one.kind)}

    return asyncio.run(families())


def _samples(name: str, kind: Kind) -> list[str]:
    if kind is Kind.HISTOGRAM:
        return [f"{name}_bucket", f"{name}_sum", f"{name}_count"]
    return [name]


@pytest.mark.server
def test_promtool_accepts_what_prometheus_is_given() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "rules.yml")


@pytest.mark.server
def test_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "rules_test.yml")


@pytest.mark.server
def test_the_queries_of_the_dashboard_are_queries(tmp_path: Path) -> None:
    asked = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries())
    ]
    document = {"groups": [{"name": "dashboard", "rules": asked}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(document))
    promtool("check", "rules", str(tmp_path / "rules.yml"))


@pytest.mark.slow
def test_nothing_is_asked_for_that_is_not_exported(exported: dict[str, set[str]]) -> None:
    for query in [*queries(), *(rule["expr"] for rule in rules())]:
        assert set(_NAME.findall(query)) <= exported.keys(), query
        for name, labels in _LABELS.findall(query):
            named = set(re.findall(r"(\w+)\s*[=!]", labels))
            assert named <= exported[name] | {"le", "job", "instance"}, query


@pytest.mark.slow
def test_what_is_exported_is_shown_or_watched(exported: dict[str, set[str]]) -> None:
    asked = " ".join([*queries(), *(rule["expr"] for rule in rules())])
    unused = {name for name in exported if name not in asked}
    assert {one for one in unused if not one.endswith(("_sum", "_count"))} <= {
        "headwater_worker_stages_total",
    }


def test_every_alert_says_how_urgent_it_is() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]


def test_every_alert_is_in_the_papers() -> None:
    page = (FOLDER.parents[1] / "docs" / "monitoring.md").read_text()
    for rule in rules():
        if "alert" in rule:
            assert f"`{rule['alert']}`" in page, rule["alert"]


def test_panels_do_not_lie_on_each_other() -> None:
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels()]
    assert len(set(places)) == len(places)
    assert len({one["id"] for one in panels()}) == len(places)

"""A real Prometheus asks a real origin that does jobs: its rules and the dashboard see them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from drm.access_token import UPLOADS_WRITE, AccessTokens
from drm.token_keys import TokenKeys
from scripts.servers import free_port
from tests.monitoring.test_monitoring import FOLDER, queries
from tests.support import masters
from tests.support.farm import wait_until
from tests.support.labels import Label
from tests.support.origin_process import serving
from tests.support.otlp_collector import Collector, collecting

pytestmark = pytest.mark.server

# Panels of what happens in these seconds: the others may show nothing.
_ALIVE = {
    "headwater_requests_total",
    "headwater_worker_jobs_total",
    "headwater_worker_resident_bytes",
    "headwater_jobs",
}


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, what: str, **arguments: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{what}?{urlencode(arguments)}") as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]

    def vector(self, query: str) -> list[Any]:
        found: list[Any] = self.ask("query", query=query)["result"]
        return found

    def value(self, query: str) -> float | None:
        found = self.vector(query)
        return float(found[0]["value"][1]) if found else None


@dataclass(frozen=True)
class Seen:
    """What has happened, and who looked on."""

    prometheus: Prometheus
    collector: Collector


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """Prometheus with our configuration, which asks this port each second."""
    program = shutil.which("prometheus")
    assert program, "there is no prometheus: run `scripts/setup test`, which brings it"
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(FOLDER / "rules.yml")]
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    folder.mkdir()
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    port = free_port()
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    process = subprocess.Popen(command)
    try:
        found = Prometheus(f"http://127.0.0.1:{port}")
        wait_until(lambda: _answers(found.url))
        yield found
    finally:
        process.terminate()
        process.wait(15)


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/-/ready") as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """An upload that was published by the executor beside the origin, and looked at."""
    folder = tmp_path_factory.mktemp("watched")
    home, port = folder / "home", free_port()
    home.mkdir()
    master = masters.flac(folder / "a.flac", masters.music(1.0)).read_bytes()
    tokens = TokenKeys.open(home / "tokens.json", create=True)
    label = AccessTokens(tokens.access, issuer="headwater", audience="headwater").mint(
        "label:north", "-", 3600, scopes=(UPLOADS_WRITE,)
    )
    with collecting() as collector:
        config = home / "headwater.yaml"
        monitoring = {"port": port, "traces_url": collector.url, "traces_ratio": 1.0}
        config.write_text(json.dumps({"jobs": {"min_free_bytes": 0}, "monitoring": monitoring}))
        environment = {**os.environ, "HEADWATER_HOME": str(home), "HEADWATER_CONFIG": str(config)}
        with (
            serving(environment, "--executor", "--workers", "2") as url,
            prometheus(folder / "prometheus", port) as server,
        ):
            sender = Label(url, label)
            done = sender.form(master, title="A", artist="B")
            assert done.status == 202, done
            assert sender.job_done(done.json["url"])["state"] == "done"
            wait_until(lambda: server.value("sum(headwater_worker_jobs_total)"))
            wait_until(lambda: server.vector("headwater:requests:rate5m"))
            yield Seen(server, collector)


def test_the_origin_and_its_executor_are_seen(seen: Seen) -> None:
    ask = seen.prometheus.value
    assert ask('up{job="headwater"}') == 1
    assert ask('headwater_worker_jobs_total{outcome="published"}') == 1
    assert ask('headwater_worker_job_seconds_count{outcome="published"}') == 1
    assert ask('headwater_requests_total{route="/api/v1/uploads",status="202"}') == 1
    assert ask("count(headwater_worker_resident_bytes)") == 2


def test_every_rule_is_evaluated_and_nothing_is_alarming(seen: Seen) -> None:
    ask = seen.prometheus.ask

    def rules() -> list[Any]:
        return [rule for group in ask("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: all(rule["lastEvaluation"] > "1" for rule in rules()))
    assert [rule["name"] for rule in rules() if rule["health"] == "err"] == []
    alerts = ask("alerts")["alerts"]  # pending ones, too: this disk may be full
    assert [one["labels"] for one in alerts if one["state"] == "firing"] == []


def test_every_panel_of_the_dashboard_is_answered(seen: Seen) -> None:
    for query in queries():
        asked = partial(seen.prometheus.vector, query.replace("$__rate_interval", "1m"))
        if any(name in query for name in _ALIVE):
            wait_until(asked)  # a rate needs two scrapes
        else:
            asked()


def test_a_job_is_a_span_of_the_executor(seen: Seen) -> None:
    wait_until(lambda: seen.collector.named("job"))

"""The deploy files: read by those who will read them, and by our own settings."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from configs.loading import load_settings
from configs.settings import OriginSettings
from pipeline.cli import main

DEPLOY = Path(__file__).parents[2] / "configs/deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("headwater*"))


def documents() -> list[dict[str, Any]]:
    return [one for file in MANIFESTS for one in yaml.safe_load_all(file.read_text())]


def kind(name: str) -> dict[str, Any]:
    """The first of that kind that is the origin's."""
    return next(
        one
        for one in documents()
        if one["kind"] == name and one["metadata"]["name"] == "headwater-origin"
    )


@pytest.mark.parametrize("document", documents(), ids=lambda one: one["kind"])
def test_kubernetes_would_take_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_rolling_deploy_leaves_time_to_drain() -> None:
    deployment = kind("Deployment")["spec"]
    pod = deployment["template"]["spec"]
    settings = next(one for one in documents() if one["kind"] == "ConfigMap")["data"]
    broker = {"HEADWATER_JOBS__BROKER_URL": "amqps://headwater:secret@rabbitmq:5671/"}
    assert not broker.keys() & settings.keys()  # it has a password: the Secret has it
    origin = load_settings(None, settings | broker, {}).settings.origin
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert pod["terminationGracePeriodSeconds"] >= origin.drain_delay_s + origin.shutdown_grace_s
    (container,) = pod["containers"]
    readiness = container["readinessProbe"]
    noticed_s = readiness["periodSeconds"] * readiness["failureThreshold"]
    assert origin.drain_delay_s > 2 * noticed_s
    assert readiness["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_scaling_and_disruptions() -> None:
    scaler = kind("HorizontalPodAutoscaler")["spec"]
    found = {
        one["resource"]["name"]: one["resource"]["target"]["averageUtilization"]
        for one in scaler["metrics"]
    }
    assert found == {"cpu": 70, "memory": 80}
    assert kind("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    labels = kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    for selector in (
        kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        kind("Service")["spec"]["selector"],
    ):
        assert selector.items() <= labels.items()


def test_memory_fits_into_its_limit() -> None:
    (container,) = kind("Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "1Gi"
    defaults = OriginSettings()
    assert defaults.cache_bytes + defaults.max_unsent_bytes + 120_000_000 < 1 << 30


def test_compose_names_settings_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
    origin = compose["services"]["origin-a"]["environment"]
    settings = load_settings(
        None, {name: value for name, value in origin.items() if "HEADWATER" in name}, {}
    ).settings
    assert settings.storage.kind == "s3"
    assert settings.jobs.executor == "celery"
    wanted = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose/compose.yaml").read_text()))
    example = (DEPLOY / "compose/example.env").read_text()
    assert wanted == set(re.findall(r"(?m)^(\w+)=", example))
    rabbitmq = (DEPLOY / "compose/rabbitmq.conf").read_text()
    (milliseconds,) = re.findall(r"(?m)^consumer_timeout = (\d+)$", rabbitmq)
    assert int(milliseconds) >= 1000 * settings.jobs.delivery_timeout_s
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            known = source in compose["volumes"]
            assert known or (DEPLOY / "compose" / source).is_file(), volume
        needs = service.get("depends_on", {})
        assert set(needs) <= set(compose["services"])
        for name, how in needs.items():
            if how["condition"] == "service_healthy" and "build" not in compose["services"][name]:
                assert "healthcheck" in compose["services"][name]


def test_the_image_is_built_of_what_is_packaged_and_of_nothing_else() -> None:
    root = DEPLOY.parents[1]
    rules = (root / ".dockerignore").read_text().splitlines()
    assert rules[1] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    project = tomllib.loads((root / "pyproject.toml").read_text())
    packages = {name[:-1] for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    papers = {project["project"]["readme"], *project["project"]["license-files"]}
    assert let_in == packages | papers | {"pyproject.toml"}
    assert {"**/.env", "**/*.key", "**/*.pem"} <= set(rules[rules.index("!storage") :])


def test_every_night_the_same_is_done_by_commands_that_there_are() -> None:
    unit = (DEPLOY / "systemd/headwater-nightly.service").read_text()
    (inside,) = re.findall(r"(?ms)^ExecStart=/bin/sh -c '(.+?)'$", unit)
    inside = inside.replace("\\\n", "").replace("/opt/headwater/bin/", "")
    begin, *steps, end = (line.strip() for line in inside.split(";"))
    done = [line.removesuffix(" || failed=1") for line in steps]
    job = next(one for one in documents() if one["kind"] == "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())["services"]["nightly"]
    assert compose["command"][-1].splitlines() == [begin, *steps, end]
    script = container["command"][-1]
    assert script.splitlines() == [begin, *steps, end.replace("$$", "$")]
    for bad in (*done, None):  # each is done, and a failure is told
        tried = script
        for line in done:
            tried = tried.replace(line, f"{{ echo done; {'false' if line == bad else 'true'}; }}")
        ran = subprocess.run(["sh", "-ec", tried], capture_output=True, check=False)
        assert (ran.stdout, ran.returncode) == (b"done\n" * len(done), int(bad is not None))
    for line in done:
        name, *words = line.split()
        assert name == "headwater"
        assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0, line
    assert "gc --delete" in done[0]


def test_docker_takes_the_compose_file(tmp_path: Path) -> None:
    if (
        shutil.which("docker") is None
        or subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("docker compose is not on this machine")
    shutil.copytree(DEPLOY / "compose", tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "example.env", tmp_path / ".env")
    subprocess.run(["docker", "compose", "config", "-q"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("unit", UNITS, ids=lambda one: one.name)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not on this machine")
    text = unit.read_text().replace("/opt/headwater/bin/headwater", "/bin/true")
    copy = tmp_path / unit.name
    copy.write_text(text)
    if unit.suffix == ".timer":  # looks for what it begins
        begun = unit.with_suffix(".service")
        shutil.copy(begun, tmp_path / begun.name)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if unit.stem in line]
    assert said == []
    assert done.returncode == 0, done.stderr


def test_the_unit_gives_an_origin_time_to_drain() -> None:
    text = (DEPLOY / "systemd/headwater.service").read_text()
    found = re.search(r"(?m)^TimeoutStopSec=(\d+)$", text)
    assert found is not None
    assert int(found[1]) > OriginSettings().shutdown_grace_s
    assert "ExecReload=/bin/kill -HUP $MAINPID" in text

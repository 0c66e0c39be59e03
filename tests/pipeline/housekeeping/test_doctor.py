from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from configs.settings import (
    DrmSettings,
    IdentitySettings,
    KeySystemSettings,
    LicenseSettings,
    Settings,
)
from pipeline.cli.services import examine_services
from pipeline.housekeeping.doctor import State, clock_finding, examine_disk, examine_store
from storage.base import ByteRange, StorageError
from storage.testing import FaultyStore, MemoryStore
from tests.servers.clamd import clamd
from tests.servers.redis import Redis
from tests.support.cli_home import Home, publication
from tests.support.identity_provider import AUDIENCE, ISSUER, IdentityProvider, okp_signer
from tests.support.license_vendor import TOKEN_KEY, LicenseVendor


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("HEADWATER_HOME", "HEADWATER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    home = Home(tmp_path / "home")
    home.publish(publication(), tiers=("standard",))
    return home


def examine(home: Home, *, code: int = 0) -> dict[str, dict[str, Any]]:
    said = home.run("doctor", "--json", code=code).stdout
    return {one["part"]: one for one in map(json.loads, said.splitlines())}


def test_a_healthy_house(home: Home) -> None:
    found = examine(home)
    assert {"ffmpeg", "disk", "permissions", "catalog", "keys", "storage", "clock"} <= found.keys()
    assert {one["state"] for one in found.values()} <= {"ok", "warn"}
    assert not list((home.path / "storage").rglob("probe-*"))
    lines = home.run("doctor").stdout.splitlines()
    assert all(line.split()[0] in {"ok", "warn"} for line in lines)


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    home = Home(tmp_path / "nothing")
    assert examine(home)["catalog"]["state"] == "warn"
    assert not (tmp_path / "nothing" / "catalog.db").exists()


def test_secrets_that_others_can_read(home: Home) -> None:
    (home.path / "kek.json").chmod(0o644)
    found = examine(home, code=1)
    assert found["permissions"]["state"] == "fail"
    assert found["permissions"]["remedy"].startswith("chmod 600")
    assert found["keys"]["state"] == "fail"


def test_another_kek(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.publish(publication(), tiers=("standard",))
    (home.path / "kek.json").write_bytes((other.path / "kek.json").read_bytes())
    assert examine(home, code=1)["keys"]["state"] == "fail"


def test_a_broken_catalog_and_a_missing_ffmpeg(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.path / "catalog.db").write_bytes(b"no database at all, whatever it is called" * 30)
    monkeypatch.setenv("HEADWATER_FFMPEG__FFMPEG", "/nonexistent/ffmpeg")
    found = examine(home, code=1)
    assert found["catalog"]["state"] == found["ffmpeg"]["state"] == "fail"
    assert all(found[part]["remedy"] for part in ("catalog", "ffmpeg"))


async def test_a_store_that_fails() -> None:
    def fault(operation: str, key: str) -> None:
        raise StorageError(f"cannot {operation} {key}")

    (found,) = await examine_store(FaultyStore(MemoryStore(), fault))
    assert (found.state, "cannot put" in found.said) == (State.FAIL, True)


def test_neighbors_that_are_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones that the settings name; what stands still without them is what fails."""
    for name, value in {
        "JOBS__EXECUTOR": "celery",
        "JOBS__BROKER_URL": "redis://127.0.0.1:1/0",
        "API__REDIS_URL": "redis://127.0.0.1:1/0",
        "UPLOADS__CLAMD": "tcp:127.0.0.1:1",
        "IDENTITY__JWKS_URL": "http://127.0.0.1:1/keys",
        "IDENTITY__ISSUER": ISSUER,
        "IDENTITY__AUDIENCE": AUDIENCE,
    }.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    found = examine(home, code=1)
    parts = ("broker", "redis", "clamd", "identity")
    assert [found[part]["state"] for part in parts] == ["fail", "warn", "fail", "fail"]
    assert "redis://" not in found["broker"]["said"]


async def test_services_that_answer_and_are_away(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.touch(0o600)
    secret.write_bytes(b64encode(TOKEN_KEY))
    provider = IdentityProvider(okp_signer())
    async with provider.running(), LicenseVendor().running() as vendor:
        settings = Settings(
            identity=IdentitySettings(jwks_url=provider.url, issuer=ISSUER, audience=AUDIENCE),
            licenses=LicenseSettings(
                widevine="token", widevine_url=f"{vendor.url}/token", token_key_file=secret
            ),
            drm=DrmSettings(
                key_provider="speke",
                speke_url=f"{vendor.url}/speke",
                systems=KeySystemSettings(widevine=True),
            ),
        )
        found = await examine_services(settings)
        assert [(one.part, one.state) for one in found] == [
            ("widevine", State.OK),
            ("identity", State.OK),
            ("speke", State.OK),
        ]
        assert vendor.asked == 0  # for a license
        provider.body = b"{}"
        assert (await examine_services(settings))[1].state is State.FAIL
    assert {one.state for one in await examine_services(settings)} == {State.FAIL}
    secret.chmod(0o644)
    (refused, *_) = await examine_services(settings)
    assert (refused.part, refused.state) == ("licenses", State.FAIL)
    assert await examine_services(Settings()) == []


def test_a_key_service_is_asked_before_there_are_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "new")
    home.path.mkdir()
    home.run("db", "upgrade")
    assert examine(home)["keys"]["said"] == "there are none yet"
    for name, value in {
        "HEADWATER_DRM__KEK_PROVIDER": "vault",
        "HEADWATER_DRM__KEK_VAULT_URL": "http://127.0.0.1:1",
        "VAULT_TOKEN": "x",
    }.items():
        monkeypatch.setenv(name, value)
    assert examine(home, code=1)["keys"]["state"] == "fail"


@pytest.mark.server
def test_neighbors_that_answer(
    home: Home, monkeypatch: pytest.MonkeyPatch, redis: Redis, tmp_path: Path
) -> None:
    with clamd(tmp_path) as (address, _):
        for name, value in {
            "JOBS__EXECUTOR": "celery",
            "JOBS__BROKER_URL": redis.url(),
            "API__REDIS_URL": redis.url(1),
            "UPLOADS__CLAMD": address,
        }.items():
            monkeypatch.setenv(f"HEADWATER_{name}", value)
        found = examine(home)
    assert {found[part]["said"] for part in ("broker", "redis", "clamd")} == {"it answers"}


async def test_a_store_that_loses_what_it_was_given() -> None:
    class Forgetful(MemoryStore):
        async def get(self, key: str, span: ByteRange | None = None) -> bytes:
            return b"something else" if span is None else await super().get(key, span)

    (found,) = await examine_store(Forgetful())
    assert (found.state, "did not give back" in found.said) == (State.FAIL, True)


def test_a_full_disk(tmp_path: Path) -> None:
    (found,) = examine_disk([tmp_path, tmp_path / "not" / "there"], 1 << 60)
    assert found.state is State.FAIL
    assert "free some" in found.remedy


@pytest.mark.parametrize(("skew_s", "state"), [(0, State.OK), (-4, State.OK), (60, State.FAIL)])
def test_clocks(skew_s: float, state: State) -> None:
    now = datetime.now(UTC)
    assert clock_finding("clock", "its", now + timedelta(seconds=skew_s), now).state is state

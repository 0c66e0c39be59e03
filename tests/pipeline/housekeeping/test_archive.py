from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.pipeline.housekeeping.test_gc import gc, objects, sql
from tests.support import masters
from tests.support.cli_home import Home

pytestmark = pytest.mark.slow


@pytest.fixture
def master(tmp_path: Path) -> Path:
    return masters.wav(tmp_path / "song.wav", masters.music(0.5))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("HEADWATER_HOME", "HEADWATER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADWATER_INGEST__ARCHIVE_PATH", str(tmp_path / "cold"))
    return Home(tmp_path / "home")


def key_of(master: Path) -> str:
    return f"masters/{hashlib.sha256(master.read_bytes()).hexdigest()}.wav"


def archive(home: Home, monkeypatch: pytest.MonkeyPatch, policy: str, days: int = 90) -> None:
    monkeypatch.setenv("HEADWATER_INGEST__ARCHIVE", policy)
    monkeypatch.setenv("HEADWATER_INGEST__ARCHIVE_DAYS", str(days))


def test_masters_are_left_where_they_are_by_default(home: Home, master: Path) -> None:
    home.run("ingest", str(master))
    assert key_of(master) not in objects(home)


def test_a_kept_master_is_verified_and_never_collected(
    home: Home, master: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(home, monkeypatch, "keep", days=0)
    home.run("ingest", str(master))
    assert objects(home)[key_of(master)] == master.read_bytes()
    assert gc(home, "--delete") == []
    home.run("verify")
    (home.path / "storage" / key_of(master)).unlink()
    assert key_of(master) in home.run("verify", code=1).stdout


def test_a_tiered_master_moves_and_is_verified_there(
    home: Home, master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(home, monkeypatch, "tier")
    home.run("ingest", str(master))
    assert gc(home, "--delete") == []  # too young
    archive(home, monkeypatch, "tier", days=0)
    assert [item["name"] for item in gc(home)] == [key_of(master)]
    assert key_of(master) in objects(home)  # that was a dry run
    gc(home, "--delete")
    assert key_of(master) not in objects(home)
    assert (tmp_path / "cold" / key_of(master)).read_bytes() == master.read_bytes()
    assert not list((home.path / "tmp").glob("archive-*"))
    home.run("verify")
    (tmp_path / "cold" / key_of(master)).write_bytes(b"?")
    home.run("verify", code=1)


def test_a_master_of_the_archive_is_deleted_when_its_days_are_over(
    home: Home, master: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(home, monkeypatch, "delete", days=0)
    home.run("ingest", str(master))
    gc(home, "--delete")
    assert key_of(master) not in objects(home)
    assert sql(home, "SELECT count(*) FROM masters") == [(0,)]
    home.run("verify")


def test_destroying_keys_takes_the_archived_master_along(
    home: Home, master: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(home, monkeypatch, "keep")
    home.run("ingest", str(master))
    ((track,),) = sql(home, "SELECT track_id FROM tracks")
    home.run("takedown", track, "--reason", "x", "--destroy-keys", "--yes")
    assert objects(home) == {}
    home.run("verify")

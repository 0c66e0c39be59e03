from __future__ import annotations

import hashlib
import json
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
    # Whatever other jobs do meanwhile.
    sql(home, "UPDATE jobs SET state = 'running', revision = ?", "f" * 16)
    said = home.run("takedown", track, "--reason", "x", "--destroy-keys", "--yes", "--json")
    assert json.loads(said.stdout)["masters"] == [key_of(master)]
    assert objects(home) == {}
    home.run("verify")


def test_no_master_survives_the_destruction_of_keys(
    home: Home, master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is in the archive, and its revision was collected; the archive was away at first."""
    keys, cold = [], tmp_path / "cold"
    for number in range(2):
        masters.wav(master, masters.music(0.5, seed=number))
        keys.append(key_of(master))
        archive(home, monkeypatch, "tier", days=90 * number)
        home.run("ingest", str(master), "--id", "song")
        if number:
            sql(home, "UPDATE tracks SET updated_at = datetime('now', '-8 days')")
            sql(home, "UPDATE revisions SET created_at = datetime('now', '-9 days')")
        assert [item["kind"] for item in gc(home, "--delete")] == [("master", "revision")[number]]
    assert sql(home, "SELECT master_sha256 FROM revisions") == [(keys[1][8:72],)]
    ((track,),) = sql(home, "SELECT track_id FROM tracks")
    destroy = ("takedown", track, "--reason", "x", "--destroy-keys", "--yes", "--json")

    cold.rename(tmp_path / "unmounted")
    said = home.run(*destroy, code=1)
    assert (done := json.loads(said.stdout))["masters"] == [keys[1]]
    assert done["kept"] == [keys[0]]
    assert "mounted?" in said.stderr
    (tmp_path / "unmounted").rename(cold)
    assert json.loads(home.run(*destroy).stdout)["masters"] == [keys[0]]
    assert not [path for path in cold.rglob("*") if path.is_file()]
    assert objects(home) == {}
    home.run("verify")

"""`headwater db`, on both databases."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalog.schema_version import known_versions
from tests.servers.postgres import PASSWORD, Postgres
from tests.support.cli_home import TRACK_ID, Home, publication

HEAD = known_versions()[-1]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.publish(publication(), tiers=("standard", "lossless"))
    return home


@pytest.fixture
def server_url(postgres: Postgres) -> Iterator[str]:
    """An empty database."""
    url = postgres.create()
    yield url
    postgres.drop(url)


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEADWATER_CATALOG__URL", url)


def findings(home: Home) -> dict[str, str]:
    lines = home.run("db", "check", "--json").stdout.splitlines()
    return {one["what"]: one["detail"] for one in map(json.loads, lines)}


def test_upgrade_makes_a_catalog_and_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    assert home.run("db", "upgrade").stdout == f"schema {HEAD} (was not there)\n"
    assert home.run("db", "upgrade").stdout == f"schema {HEAD} (is current)\n"
    with closing(sqlite3.connect(home.path / "catalog.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    assert "newer Headwater" in home.run("db", "upgrade", code=1).stderr


def test_check_counts_rows_and_finds_what_is_stray(home: Home) -> None:
    found = findings(home)
    assert (found["schema"], found["tracks"], found["keys"]) == (
        f"version {HEAD}",
        "1 rows",
        "2 rows",
    )
    assert "ok" in home.run("db", "check").stdout
    with closing(sqlite3.connect(home.path / "catalog.db")) as database:
        database.execute("UPDATE tracks SET release_id = 'nowhere'")
        database.commit()
    refused = home.run("db", "check", code=1)
    assert "references: a row of tracks refers to none of releases" in refused.stderr


def test_check_needs_a_catalog(tmp_path: Path) -> None:
    assert "no catalog here" in Home(tmp_path).run("db", "check", code=1).stderr


def test_a_file_is_backed_up_and_restored(home: Home, tmp_path: Path) -> None:
    backup = tmp_path / "kept"
    with closing(sqlite3.connect(home.path / "catalog.db")) as busy:
        busy.execute("BEGIN IMMEDIATE")  # somebody writes
        home.run("db", "backup", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "is there already" in home.run("db", "backup", str(backup), code=1).stderr
    assert "is there already" in home.run("db", "restore", str(backup), code=1).stderr
    other = Home(tmp_path / "other")
    assert f"schema {HEAD}" in other.run("db", "restore", str(backup)).stdout
    assert other.json("track", "show", TRACK_ID) == home.json("track", "show", TRACK_ID)
    assert findings(other) == findings(home)
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".part")] == []


def test_what_is_no_backup_is_not_restored(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    text = tmp_path / "text"
    text.write_text("not a database, but long enough to be looked at as one\n" * 20)
    assert "is not a catalog" in home.run("db", "restore", str(text), code=1).stderr
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE shopping (item)")
    assert "not a catalog's" in home.run("db", "restore", str(foreign), code=1).stderr
    assert not (home.path / "catalog.db").exists()


@pytest.mark.server
def test_a_catalog_moves_to_postgresql_and_back(
    home: Home,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, shown = findings(home), home.json("track", "show", TRACK_ID)
    copied = home.run("db", "copy", "--to", server_url)
    assert "tracks" in copied.stdout
    refused = home.run("db", "copy", "--to", server_url, code=1)
    assert "the target is not empty" in refused.stderr
    use(monkeypatch, server_url)
    assert home.json("track", "show", TRACK_ID) == shown
    tables = before.keys() - {"schema", "file", "references"}
    assert {name: findings(home)[name] for name in tables} == {
        name: before[name] for name in tables
    }
    assert home.run("db", "upgrade").stdout == f"schema {HEAD} (is current)\n"
    home.run("keys", "check")
    home.run("db", "copy", "--to", f"sqlite+aiosqlite:///{tmp_path}/back.db")
    use(monkeypatch, f"sqlite+aiosqlite:///{tmp_path}/back.db")
    assert findings(home) == before


@pytest.mark.server
def test_postgresql_is_backed_up_and_restored(
    home: Home,
    server_url: str,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home.run("db", "copy", "--to", server_url)
    backup = tmp_path / "kept"
    use(monkeypatch, server_url)
    before = findings(home)
    assert "keys backup" in home.run("db", "backup", str(backup)).stderr
    assert backup.stat().st_mode & 0o777 == 0o600
    assert "is not empty" in home.run("db", "restore", str(backup), code=1).stderr
    other = postgres.create()
    use(monkeypatch, other)
    assert f"schema {HEAD} (is current)" in home.run("db", "restore", str(backup)).stdout
    after = findings(home)
    assert {**after, "size": ""} == {**before, "size": ""}
    postgres.drop(other)


@pytest.mark.server
def test_tools_that_fail_or_are_missing_are_told(
    home: Home,
    server_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, server_url.replace(PASSWORD, "wrong"))
    refused = home.run("db", "backup", str(tmp_path / "kept"), code=1)
    assert "password authentication failed" in refused.stderr
    assert not (tmp_path / "kept").exists()
    assert list(tmp_path.glob("*.part")) == []
    monkeypatch.setattr("pipeline.postgres_tools._DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    use(monkeypatch, server_url)
    refused = home.run("db", "backup", str(tmp_path / "kept"), code=1)
    assert "pg_dump is not installed" in refused.stderr
    assert PASSWORD not in refused.output


@pytest.mark.server
def test_the_password_is_never_shown(
    home: Home, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, server_url)
    for command in (
        ("config", "show"),
        ("config", "show", "--json"),
        ("db", "upgrade"),
        ("db", "check"),
        ("track", "list"),
    ):
        assert PASSWORD not in home.run(*command).output


@pytest.mark.server
def test_check_looks_at_the_replica(
    home: Home, server_url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, server_url)
    home.run("db", "upgrade")
    monkeypatch.setenv("HEADWATER_CATALOG__REPLICA_URL", server_url)
    refused = home.run("db", "check", code=1)
    assert "replica: is no replica: it takes writes" in refused.stderr
    with postgres.standby() as standby:
        name = server_url.rpartition("/")[2]
        monkeypatch.setenv("HEADWATER_CATALOG__REPLICA_URL", standby.url(name))
        assert findings(home)["replica"].endswith("s behind")

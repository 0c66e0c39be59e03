from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.naming import cover_object, track_object
from tests.pipeline.housekeeping.conftest import age
from tests.support.cli_home import Home

pytestmark = pytest.mark.slow

ORPHAN = ("t" + "z" * 20, "f" * 16)


def gc(house: Home, *args: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in house.run("gc", "--json", *args).stdout.splitlines()]


def objects(house: Home) -> dict[str, bytes]:
    root = house.path / "storage"
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".tmp" not in path.parts
    }


def write(house: Home, key: str, data: bytes = b"x", *, days: float = 7) -> Path:
    path = house.path / "storage" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    age(path, days)
    return path


def sql(house: Home, statement: str, *values: object) -> list[Any]:
    db = sqlite3.connect(house.path / "catalog.db")
    try:
        with db:
            return db.execute(statement, values).fetchall()
    finally:
        db.close()


def replace_revision(house: Home, *, days: float) -> str:
    """The first track gets another current revision; the old one was replaced so long ago."""
    ((track, old),) = sql(
        house, "SELECT track_id, current_revision FROM tracks ORDER BY track_id LIMIT 1"
    )
    columns = [row[1] for row in sql(house, "PRAGMA table_info(revisions)")]
    copied = ", ".join("?" if name == "revision" else name for name in columns)
    new = "abcdef0123456789"
    sql(
        house,
        f"INSERT INTO revisions SELECT {copied} FROM revisions WHERE track_id = ? AND revision = ?",
        *(new, track, old),
    )
    then = datetime.now(UTC) - timedelta(days=days)
    stamp = then.strftime("%Y-%m-%d %H:%M:%S.%f")
    sql(house, "UPDATE revisions SET created_at = ?", stamp)
    sql(
        house,
        "UPDATE tracks SET current_revision = ?, updated_at = ? WHERE track_id = ?",
        *(new, stamp, track),
    )
    return f"tracks/{track}/{old}/"


def test_nothing_is_collected_where_everything_is_needed(house: Home) -> None:
    before = objects(house)
    assert gc(house, "--delete") == []
    assert objects(house) == before
    assert "nothing to collect" in house.run("gc").stderr


def test_a_dry_run_tells_and_removes_nothing(house: Home) -> None:
    write(house, track_object(*ORPHAN, "flac.mp4"))
    before = objects(house)
    (item,) = gc(house)
    assert item["kind"] == "orphan"
    assert item["name"] == "tracks/{}/{}/".format(*ORPHAN)
    assert objects(house) == before
    assert "would go" in house.run("gc").stderr


def test_a_replaced_revision_goes_after_its_grace(house: Home) -> None:
    old = replace_revision(house, days=6.9)
    assert gc(house, "--delete") == []
    sql(house, "UPDATE tracks SET updated_at = datetime('now', '-8 days')")
    sql(house, "UPDATE revisions SET created_at = datetime('now', '-9 days')")
    (item,) = gc(house, "--delete")
    assert (item["kind"], item["name"]) == ("revision", old)
    assert item["objects"] > 10
    assert not [key for key in objects(house) if key.startswith(old)]
    _, track, revision, _ = old.split("/")
    for table in ("revisions", "renditions", "keys"):
        query = f"SELECT count(*) FROM {table} WHERE track_id = ? AND revision = ?"
        assert sql(house, query, track, revision) == [(0,)]


def test_what_a_killed_collection_left_is_found_by_the_next(house: Home) -> None:
    """Rows first, then objects, the package index first of these."""
    old = replace_revision(house, days=30)
    _, track, revision, _ = old.split("/")
    for table in ("keys", "renditions", "revisions"):
        sql(house, f"DELETE FROM {table} WHERE track_id = ? AND revision = ?", track, revision)
    (house.path / "storage" / old / "package.json").unlink()
    (item,) = gc(house, "--delete")
    assert (item["kind"], item["name"]) == ("orphan", old)
    assert not [key for key in objects(house) if key.startswith(old)]


def test_young_objects_and_those_of_running_jobs_stay(house: Home) -> None:
    young = write(house, track_object(*ORPHAN, "package.json"), days=0.5)
    write(house, track_object(*ORPHAN, "flac.mp4"))  # one is old: the youngest counts
    assert gc(house, "--delete") == []
    age(young)
    sql(
        house,
        "UPDATE jobs SET state = 'running', track_id = ?, revision = ?"
        " WHERE job_id = (SELECT min(job_id) FROM jobs)",
        *ORPHAN,
    )
    assert gc(house, "--delete") == []
    sql(house, "UPDATE jobs SET state = 'failed'")
    assert [item["objects"] for item in gc(house, "--delete")] == [2]


def test_covers_go_when_nothing_shows_them_and_nobody_writes(house: Home) -> None:
    unused = cover_object("a" * 64, "jpg")
    write(house, unused)
    young = cover_object("b" * 64, "jpg")
    write(house, young, days=0)
    used = {key for key in objects(house) if key.startswith("covers/")} - {unused}
    sql(house, "UPDATE releases SET cover_pictures = NULL")  # the package index still names them
    sql(house, "UPDATE jobs SET state = 'running', revision = ?", "f" * 16)
    assert gc(house, "--delete") == []
    sql(house, "UPDATE jobs SET state = 'done'")
    assert [item["name"] for item in gc(house, "--delete")] == [unused]
    assert used <= objects(house).keys()


def test_one_step_that_fails_keeps_no_other_from_being_done(house: Home) -> None:
    """An index that nobody can read matters only where it might name a cover."""
    ((track, revision),) = sql(house, "SELECT track_id, revision FROM revisions LIMIT 1")
    write(house, track_object(track, revision, "package.json"), b"{")
    unknown = write(house, f"masters/{'a' * 64}.wav")
    unused = write(house, cover_object("a" * 64, "jpg"))
    said = house.run("gc", "--delete", code=1)
    assert "covers: they stay: " in said.stderr
    assert "covers: not done to the end (all else is)" in said.stderr
    assert unused.exists()
    assert not unknown.exists()
    unused.unlink()
    assert gc(house, "--delete") == []


def test_a_storage_of_another_catalog_is_left_alone(house: Home) -> None:
    for number in range(20):
        write(
            house,
            track_object(
                "t" + "z" * 18 + f"{'abcdefghij'[number % 10]}2", f"{number:016x}", "a.mp4"
            ),
        )
    unknown = write(house, f"masters/{'a' * 64}.wav")
    said = house.run("gc", "--delete", code=1)
    assert "is it the catalog of this storage?" in said.stderr
    assert unknown.exists()  # nothing else goes either
    unknown.unlink()
    assert len(gc(house)) == 20
    assert len(gc(house, "--delete", "--force")) == 20


def test_unfinished_writes_go_a_day_later(house: Home) -> None:
    temp = house.path / "storage" / ".tmp"
    temp.mkdir(exist_ok=True)
    (temp / "0123").write_bytes(b"half")
    assert gc(house, "--delete") == []
    age(temp / "0123", 2)
    assert [item["kind"] for item in gc(house, "--delete")] == ["unfinished write"]
    assert not (temp / "0123").exists()


def test_names_of_others_are_left_alone(house: Home) -> None:
    write(house, "tracks/readme.txt")
    said = house.run("gc", "--delete")
    assert "tracks/readme.txt: not a name of ours" in said.stderr
    assert (house.path / "storage/tracks/readme.txt").exists()

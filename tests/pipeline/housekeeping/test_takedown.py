from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from catalog import takedowns
from drm.audit import Auditor
from pipeline.cli.compose import key_systems, open_deps
from pipeline.housekeeping.collect import Run
from pipeline.housekeeping.takedown import Takedown, TakenAway
from storage.naming import track_object
from tests.pipeline.housekeeping.test_gc import objects, sql, write
from tests.support import masters
from tests.support.cli_home import Home

pytestmark = pytest.mark.slow


def tracks(house: Home) -> list[str]:
    return [row[0] for row in sql(house, "SELECT track_id FROM tracks ORDER BY track_id")]


def audited(house: Home, event: str) -> list[Any]:
    said = house.run("audit", "list", "--event", event, "--json").stdout
    return [json.loads(line) for line in said.splitlines()]


def test_a_takedown_can_be_lifted_and_leaves_the_same_manifests(house: Home) -> None:
    track, other = tracks(house)
    before = objects(house)
    house.run("takedown", track, "--reason", "notice 7")
    after = objects(house)
    gone = before.keys() - after.keys()
    assert {Path(key).suffix for key in gone} == {".m3u8", ".mpd"}
    assert all(key.startswith(f"tracks/{track}/") for key in gone)
    assert house.json("track", "show", track)["status"] == "unpublished"
    assert house.json("track", "show", other)["status"] == "published"
    assert "notice 7" in house.run("track", "publish", track, code=1).stderr
    house.run("verify")  # as it should be
    assert [entry["why"] for entry in audited(house, "track.taken-down")] == ["notice 7"]

    house.run("takedown", track, "--lift")
    assert objects(house) == before
    assert house.json("track", "show", track)["status"] == "unpublished"
    house.run("track", "publish", track)
    assert "not taken down" in house.run("takedown", track, "--lift", code=1).stderr
    assert house.json("track", "show", track)["status"] == "published"
    house.run("verify")


def test_a_new_delivery_does_not_bring_it_back(house: Home, original: Home) -> None:
    (track,) = [
        row[0] for row in sql(house, "SELECT track_id FROM tracks WHERE title = 'Night Train'")
    ]
    house.run("takedown", track, "--reason", "court order")
    again = original.path.parent / "again.wav"
    masters.wav(again, masters.music(1.3, seed=9))
    masters.tag_wav(again)
    said = house.run("ingest", "--json", str(again), code=1)
    assert "was taken down" in said.stdout
    assert "court order" in said.stdout
    house.run("gc", "--delete")
    house.run("verify")


def test_destroyed_keys_are_gone_from_the_files_of_the_catalog(house: Home) -> None:
    track, other = tracks(house)
    rows = sql(house, "SELECT track_id, wrapped, kid FROM keys")
    mine = [row for row in rows if row[0] == track]
    assert mine
    said = house.run("takedown", track, "--reason", "erasure", "--destroy-keys", "--yes", "--json")
    done = json.loads(said.stdout)
    assert len(done["keys"]) == len(mine)
    assert done["purge"] == [f"/v1/t/*/tracks/{track}/"]
    assert "backups" in said.stderr
    assert "KEK" in said.stderr

    files = b"".join(path.read_bytes() for path in house.path.glob("catalog.db*"))
    assert not [wrapped for _, wrapped, _ in mine if wrapped in files]
    assert all(wrapped in files for owner, wrapped, _ in rows if owner == other)
    assert not [key for key in objects(house) if track in key]
    assert {entry["what"]["kid"] for entry in audited(house, "key.destroyed")} == set(done["keys"])
    house.run("audit", "verify")
    house.run("verify")
    house.run("takedown", track, "--lift")
    house.run("track", "publish", track)  # the row is free, and there is nothing to hear


def test_it_asks_before_it_destroys(house: Home) -> None:
    track, _ = tracks(house)
    before = objects(house)
    house.run("takedown", track, "--reason", "x", "--destroy-keys", code=1)
    assert objects(house) == before
    house.run("takedown", track, code=2)
    house.run("takedown", track, "--lift", "--destroy-keys", code=2)


@pytest.mark.parametrize("destroys", [False, True])
def test_what_is_published_at_the_last_moment_goes_with_the_rest(
    house: Home, *, destroys: bool
) -> None:
    """Until the takedown stands, a delivery that has begun may end."""
    track, _ = tracks(house)
    ((old,),) = sql(house, "SELECT current_revision FROM tracks WHERE track_id = ?", track)
    new, kid = "f" * 16, b"k" * 16
    notes: list[str] = []

    def clock() -> datetime:
        """It is asked for before the takedown's transaction: just now the delivery ends."""
        for table, changes in (
            ("revisions", {"revision": new, "scheme": "clear"}),
            ("keys", {"revision": new, "kid": kid, "tier": "new"}),
        ):
            names = [row[1] for row in sql(house, f"PRAGMA table_info({table})")]
            values = ", ".join("?" if name in changes else name for name in names)
            given = [changes[name] for name in names if name in changes]
            sql(
                house,
                f"INSERT OR IGNORE INTO {table} SELECT {values} FROM {table}"
                " WHERE track_id = ? AND revision = ? LIMIT 1",
                *(*given, track, old),
            )
        for file in ("manifest.mpd", "flac.mp4", "download-lossless.flac"):
            write(house, track_object(track, new, file))
        return datetime.now(UTC)

    async def take_down() -> TakenAway:
        async with open_deps(house.settings) as deps:
            auditor = Auditor(deps.audit, "ada", "headwater takedown")
            systems = key_systems(house.settings.drm.systems)
            takedown = Takedown(
                deps.catalog, deps.store, auditor, clock, systems, on_note=notes.append
            )
            run = Run(deps.catalog, deps.store, house.settings.housekeeping, clock, delete=True)
            return await takedown.take_down(track, "notice", run if destroys else None)

    done = asyncio.run(take_down())
    assert set(done.revisions) == {old, new}
    left = {key.rpartition("/")[2] for key in objects(house) if f"/{new}/" in key}
    assert left == (set() if destroys else {"flac.mp4", "download-lossless.flac"})
    if destroys:
        destroyed = {entry["what"]["kid"] for entry in audited(house, "key.destroyed")}
        assert kid.hex() in {one.replace("-", "") for one in destroyed}
    else:
        (note,) = notes
        assert f"{track}/{new}: 2 files that are not encrypted stay" in note


def test_a_whole_release(house: Home) -> None:
    ((release,),) = sql(house, "SELECT DISTINCT release_id FROM tracks WHERE release_id NOT NULL")
    said = house.run("takedown", release, "--release", "--reason", "x", "--json").stdout
    ids = {json.loads(line)["track_id"] for line in said.splitlines()}
    assert ids == {
        row[0] for row in sql(house, "SELECT track_id FROM tracks WHERE release_id = ?", release)
    }


def test_keys_that_a_reader_keeps_in_the_files_are_told_of(
    house: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader keeps the log from being emptied: what it looks at has to stay."""
    track, _ = tracks(house)
    mine = [row[0] for row in sql(house, "SELECT wrapped FROM keys WHERE track_id = ?", track)]
    monkeypatch.setattr(takedowns, "flush", partial(takedowns.flush, patience_s=0.1))

    def destroyed() -> tuple[str, bool]:
        why = ("--reason", "erasure", "--destroy-keys", "--yes")
        said = house.run("takedown", track, *why).stderr
        files = b"".join(path.read_bytes() for path in house.path.glob("catalog.db*"))
        return said, not any(wrapped in files for wrapped in mine)

    reader = sqlite3.connect(house.path / "catalog.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM keys").fetchall()
    said, is_gone = destroyed()
    assert "still hold the wrapped keys" in said
    assert not is_gone
    assert sql(house, "SELECT count(*) FROM keys WHERE track_id = ?", track) == [(0,)]
    reader.close()
    said, is_gone = destroyed()
    assert "still hold" not in said
    assert is_gone

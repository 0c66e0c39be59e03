from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_home import Home

pytestmark = pytest.mark.slow


def one(house: Home, pattern: str) -> Path:
    return min((house.path / "storage").glob(pattern))


def verify(house: Home, *args: str, code: int = 0) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    said = house.run("verify", "--json", *args, code=code).stdout.splitlines()
    *problems, summary = map(json.loads, said)
    return problems, summary


def test_what_was_published_is_whole(house: Home) -> None:
    problems, summary = verify(house)
    assert problems == []
    assert summary["revisions"] == 2
    assert summary["keys"] == 12  # three tiers, cbcs and AES-128
    assert summary["bytes"] > 100_000
    assert house.run("verify").stdout == ""


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _point_outside(path: Path) -> None:
    text = path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("#EXT-X-BYTERANGE:"))
    path.write_text(text.replace(line, "#EXT-X-BYTERANGE:99999999@1000"))


def _widen_index(path: Path) -> None:
    text = path.read_text()
    start = text.index('indexRange="') + len('indexRange="')
    path.write_text(text[:start] + "1000-99999999" + text[text.index('"', start) :])


def _name_another(path: Path) -> None:
    path.write_text(path.read_text().replace("aac-64k.mp4", "aac-65k.mp4"))


@pytest.mark.parametrize(
    ("pattern", "damage", "what"),
    [
        ("tracks/*/*/flac.mp4", _flip, "its bytes are not the ones"),
        ("tracks/*/*/flac.mp4", _cut, "were published"),
        ("tracks/*/*/opus-96k.mp4", Path.unlink, "the object is missing"),
        ("tracks/*/*/package.json", Path.unlink, "the package index is missing"),
        ("tracks/*/*/package.json", _cut, "not a package index"),
        ("tracks/*/*/manifest.mpd", Path.unlink, "the manifest is missing"),
        ("tracks/*/*/manifest.mpd", _cut, "it cannot be read"),
        ("tracks/*/*/manifest.mpd", _widen_index, "it names bytes 1000 to 100000000"),
        ("tracks/*/*/aac-64k.m3u8", _point_outside, "it names bytes"),
        ("tracks/*/*/aac-64k.m3u8", _name_another, "aac-65k.mp4, which is not there"),
        ("covers/*", _flip, "its bytes are not the ones"),
        ("covers/*", Path.unlink, "the object is missing"),
    ],
)
def test_damage_is_found_and_named(
    house: Home, pattern: str, damage: Callable[[Path], None], what: str
) -> None:
    path = one(house, pattern)
    damage(path)
    problems, summary = verify(house, code=1)
    key = str(path.relative_to(house.path / "storage"))
    found = [problem for problem in problems if problem["where"] == key]
    assert any(what in problem["what"] for problem in found), problems
    assert all(problem["remedy"] for problem in problems)
    assert summary["problems"] == len(problems)


def test_a_key_that_does_not_open_and_one_that_is_gone(house: Home) -> None:
    with sqlite3.connect(house.path / "catalog.db") as db:
        kids = [row[0].hex() for row in db.execute("SELECT kid FROM keys ORDER BY kid")]
        db.execute("UPDATE keys SET tier = 'standard2' WHERE kid = ?", (bytes.fromhex(kids[0]),))
        db.execute("DELETE FROM keys WHERE kid = ?", (bytes.fromhex(kids[1]),))
    db.close()
    problems, _ = verify(house, code=1)
    what = {problem["where"].replace("-", ""): problem["what"] for problem in problems}
    assert what.keys() == set(kids[:2])
    assert "does not open" in what[kids[0]]
    assert "the catalog has no key for" in what[kids[1]]


def test_lengths_alone_do_not_show_a_flipped_bit(house: Home) -> None:
    _flip(one(house, "tracks/*/*/flac.mp4"))
    assert verify(house, "--sizes")[1]["bytes"] == 0
    verify(house, code=1)


def test_a_track_alone_and_a_sample(house: Home) -> None:
    damaged = one(house, "tracks/*/*/flac.mp4")
    _flip(damaged)
    bad = damaged.parts[-3]
    ids = {entry.name for entry in (house.path / "storage" / "tracks").iterdir()}
    (good,) = ids - {bad}
    assert verify(house, "--track", good)[1]["revisions"] == 1
    assert len(verify(house, "--track", bad, code=1)[0]) == 1
    assert verify(house, "--sample", "50", code=1)[1]["revisions"] in {1, 2}


def test_an_interrupted_run_goes_on_where_it_was(house: Home) -> None:
    first, second = sorted(entry.name for entry in (house.path / "storage" / "tracks").iterdir())
    (revision,) = [entry.name for entry in (house.path / "storage/tracks" / first).iterdir()]
    _flip(one(house, f"tracks/{second}/*/flac.mp4"))
    kept = {"after": [first, revision], "revisions": 1, "objects": 20, "bytes": 5, "problems": 0}
    (house.path / "verify.json").write_text(json.dumps(kept | {"keys": 6}))
    problems, summary = verify(house, "--resume", code=1)
    assert [second in problem["where"] for problem in problems] == [True]
    assert (summary["revisions"], summary["keys"]) == (2, 12)
    assert not (house.path / "verify.json").exists()


def test_contradictions_are_wrong_usage(house: Home) -> None:
    house.run("verify", "--track", "x", "--sample", "1", code=2)
    (house.path / "verify.json").write_text("[]")
    house.run("verify", "--resume", code=2)

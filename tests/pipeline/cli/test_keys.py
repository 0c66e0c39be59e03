"""`headwater keys` and `headwater audit`, from the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli_home import TRACK_ID, Home, publication

TIERS = ("standard", "lossless")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.publish(publication(), tiers=TIERS)
    return home


@pytest.fixture
def passphrase(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text("correct horse battery staple\n")
    path.chmod(0o600)
    return str(path)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_list_says_what_each_key_is_for(home: Home) -> None:
    found = lines(home.run("keys", "list", "--json").stdout)
    assert {row["tier"] for row in found} == set(TIERS)
    assert {row["track_id"] for row in found} == {TRACK_ID}
    assert lines(home.run("keys", "list", "First Light", "--json").stdout) == found
    assert TRACK_ID in home.run("keys", "list").stdout


def test_rotate_check_and_retire(home: Home) -> None:
    (done,) = lines(home.run("keys", "rotate", "--json").stdout)
    assert (done["version"], done["new"], done["keys"], done["failed"]) == (2, True, 2, 0)
    old, new = lines(home.run("keys", "check", "--json").stdout)
    assert (old["version"], old["keys"], old["current"]) == (1, 0, False)
    assert (new["version"], new["keys"], new["current"]) == (2, 2, True)
    refused = home.run("keys", "retire", "1", code=1)
    assert "less than a day ago" in refused.stderr
    home.run("keys", "retire", "1", "--now")
    home.run("keys", "check")
    assert "has no version 1" in home.run("keys", "retire", "1", "--now", code=1).stderr


def test_keys_that_do_not_open_are_named(home: Home) -> None:
    with closing(sqlite3.connect(home.path / "catalog.db")) as database:
        database.execute("UPDATE keys SET tier = 'premium' WHERE tier = 'lossless'")
        database.commit()
    (one,) = [
        row for row in lines(home.run("keys", "list", "--json").stdout) if row["tier"] == "premium"
    ]
    kid = str(one["kid"])
    said = home.run("keys", "check", code=1).stderr
    assert kid in said.replace("-", "")
    assert "does not open" in home.run("keys", "rotate", code=1).stderr


def test_a_backup_brings_everything_back(home: Home, tmp_path: Path, passphrase: str) -> None:
    file = tmp_path / "backup.json"
    home.run("keys", "backup", str(file), "--passphrase-file", passphrase)
    assert file.stat().st_mode & 0o777 == 0o600
    taken = home.run("keys", "backup", str(file), "--passphrase-file", passphrase, code=1)
    assert "it is there already" in taken.stderr
    (home.path / "kek.json").unlink()
    gone = home.run("keys", "check", code=1)
    assert "the KEK is missing, and the catalog holds keys" in gone.stderr
    home.run("keys", "restore", str(file), "--passphrase-file", passphrase)
    home.run("keys", "check")
    Path(passphrase).chmod(0o644)
    assert (
        "chmod 600"
        in home.run("keys", "restore", str(file), "--passphrase-file", passphrase, code=1).stderr
    )


def test_export_asks_and_is_in_the_audit(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "keys.json"
    home.run("keys", "export", "First Light", "--out", str(out), code=1)  # nobody said yes
    assert not out.exists()
    home.run("keys", "export", "First Light", "--out", str(out), "--yes-i-know")
    found = json.loads(out.read_text())["keys"]
    assert {len(bytes.fromhex(key["key"])) for key in found} == {16}
    assert out.stat().st_mode & 0o777 == 0o600
    entries = lines(home.run("audit", "list", "--event", "keys.exported", "--json").stdout)
    assert {entry["what"]["kid"] for entry in entries} == {key["kid"] for key in found}  # type: ignore[index]
    assert all(str(entry["who"]).startswith("operator:") for entry in entries)
    everything = home.run("audit", "export").stdout
    assert not any(key["key"] in everything for key in found)


def test_export_to_cpix(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "keys.xml"
    home.run("keys", "export", TRACK_ID, "--to", "cpix", "--out", str(out), "--yes-i-know")
    kids = {str(row["kid"]) for row in lines(home.run("keys", "list", "--json").stdout)}
    text = out.read_text()
    assert all(kid in text.replace("-", "") for kid in kids)


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--out", "x"),
        ("export", TRACK_ID, "--all", "--out", "x"),
        ("export", "--all", "--to", "cpix", "--out", "x"),
        ("export", TRACK_ID, "--certificate", "/dev/null", "--out", "x"),
        ("retire", "0"),
    ],
)
def test_wrong_usage(home: Home, arguments: tuple[str, ...]) -> None:
    home.run("keys", *arguments, code=2)


def test_a_folder_without_a_catalog_stays_empty(tmp_path: Path) -> None:
    home = Home(tmp_path / "nothing")
    assert "no catalog here" in home.run("keys", "rotate", code=1).stderr
    assert not home.path.exists()


def test_the_audit_verifies_until_it_is_edited(home: Home) -> None:
    home.run("keys", "rotate")
    (before,) = lines(home.run("audit", "verify", "--json").stdout)
    mark = str(before["mark"])
    home.run("keys", "rotate")
    home.run("audit", "verify", "--mark", mark)
    exported = lines(home.run("audit", "export").stdout)
    assert len(exported) == int(str(before["entries"])) * 2
    assert home.run("audit", "export", "--until", "2020-01-01").stdout == ""
    assert len(lines(home.run("audit", "export", "--since", "2020-01-01").stdout)) == len(exported)
    home.run("audit", "export", "--since", "yesterday", code=2)
    with closing(sqlite3.connect(home.path / "catalog.db")) as database:
        database.execute("DROP TRIGGER audit_entries_no_update")
        database.execute("UPDATE audit_entries SET who = 'operator:eve' WHERE position = 1")
        database.commit()
    assert "row 1 was edited or moved" in home.run("audit", "verify", code=1).stderr
    assert "operator:eve" in home.run("audit", "list").stdout


def test_an_audit_key_that_is_gone_is_not_made_anew(home: Home) -> None:
    home.run("keys", "rotate")
    (home.path / "audit.json").unlink()
    assert "the audit's key is missing" in home.run("keys", "rotate", code=1).stderr

from __future__ import annotations

import asyncio
import json

import pytest

from pipeline.cli.compose import open_deps
from tests.support.cli_home import REVISION, TRACK_ID, Home, publication


async def test_an_empty_catalog_lists_nothing(home: Home) -> None:
    async with open_deps(home.settings):
        pass
    result = await asyncio.to_thread(home.run, "track", "list")
    assert result.stdout == ""


def test_a_home_without_a_catalog_is_told_and_left_alone(home: Home) -> None:
    for args in (("track", "list"), ("track", "unpublish", TRACK_ID), ("play", TRACK_ID)):
        result = home.run(*args, code=1)
        assert result.stderr.startswith(f"{home.path}: no catalog here")
        assert result.stderr.count("\n") == 1
    assert not home.path.exists()


def test_a_list_has_a_line_for_each_track(album: Home) -> None:
    album.publish(publication(track_id="t" + "b" * 20, title="Second", isrc=None))
    lines = album.run("track", "list").stdout.splitlines()
    assert lines[0].split("  ") == [TRACK_ID, "published", "1:05", "Ada, Grace - First Light"]
    found = [json.loads(line) for line in album.run("track", "list", "--json").stdout.splitlines()]
    assert [one["title"] for one in found] == ["First Light", "Second"]


def test_a_long_list_is_read_page_by_page(album: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.cli.track._PAGE", 2)
    for letter in "bcde":
        album.publish(publication(track_id="t" + letter * 20, title=letter, isrc=None))
    assert len(album.run("track", "list").stdout.splitlines()) == 5


def test_show_tells_what_the_catalog_knows(album: Home) -> None:
    found = album.json("track", "show", "First Light")
    assert found["track_id"] == TRACK_ID
    assert found["artists"] == ["Ada", "Grace"]
    assert found["status"] == "published"
    assert found["current_revision"] == REVISION
    assert found["created_at"] == "2026-11-21T08:00:00Z"
    assert "GBAYE0601498" in album.run("track", "show", TRACK_ID).stdout


def test_edit_changes_and_clears(album: Home) -> None:
    args = ("--title", "Last Light", "--number", "7", "--clear", "genre")
    found = album.json("track", "edit", TRACK_ID, *args)
    assert (found["title"], found["number"], found["genre"]) == ("Last Light", 7, None)
    assert album.json("track", "show", "Last Light") == found


@pytest.mark.parametrize(
    "args", [(), ("--number", "0"), ("--clear", "title"), ("--genre", "a", "--clear", "genre")]
)
def test_a_wrong_edit_is_wrong_usage(album: Home, args: tuple[str, ...]) -> None:
    before = album.json("track", "show", TRACK_ID)
    album.run("track", "edit", TRACK_ID, *args, code=2)
    assert album.json("track", "show", TRACK_ID) == before


@pytest.mark.parametrize("args", [("--title", " "), ("--date", "yesterday")])
def test_a_value_that_cannot_be_is_refused(album: Home, args: tuple[str, ...]) -> None:
    result = album.run("track", "edit", TRACK_ID, *args, code=2)
    assert result.stderr.startswith(f"{args[0].removeprefix('--')}: ")


def test_unpublish_and_publish(album: Home) -> None:
    assert album.json("track", "unpublish", TRACK_ID)["status"] == "unpublished"
    assert "unpublished" in album.run("track", "list").stdout
    assert album.json("track", "publish", TRACK_ID)["status"] == "published"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2999-12-01", "2999-12-01T00:00:00Z"),
        ("2999-12-01T00:00", "2999-12-01T00:00:00Z"),
        ("2999-12-01T00:00+01:00", "2999-11-30T23:00:00Z"),
        ("2999-12-01T00:00:00Z", "2999-12-01T00:00:00Z"),
    ],
)
def test_an_embargo_lasts_until_its_instant(album: Home, text: str, expected: str) -> None:
    assert album.json("track", "embargo", TRACK_ID, text)["available_from"] == expected
    assert f"embargoed until {expected}" in album.run("track", "list").stdout


def test_an_embargo_ends_by_itself_or_when_lifted(album: Home) -> None:
    assert "published" in album.run("track", "embargo", TRACK_ID, "2001-01-01").stdout
    album.run("track", "embargo", TRACK_ID, "2999-01-01")
    assert album.json("track", "embargo", TRACK_ID, "--lift")["available_from"] is None


def test_who_decided_about_a_track_is_in_the_audit(album: Home) -> None:
    ends = "2999-12-01T00:00:00Z"
    for command in ("unpublish", "publish"):
        album.run("track", command, "First Light")
    album.run("track", "embargo", TRACK_ID, ends)
    album.run("track", "embargo", TRACK_ID, "--lift")
    album.run("track", "edit", TRACK_ID, "--artists", " Ada;Bea ", "--clear", "genre")
    album.run("track", "edit", TRACK_ID, "--lyrics", "la " * 1000)
    album.run("track", "rollback", TRACK_ID, REVISION)
    # What did not happen is not there.
    album.run("track", "edit", TRACK_ID, "--date", "yesterday", code=2)
    album.run("track", "rollback", TRACK_ID, "e" * 16, code=1)
    album.run("takedown", TRACK_ID, "--reason", "x")
    album.run("track", "publish", TRACK_ID, code=1)
    listed = album.run("audit", "list", "headwater track", "--json").stdout
    entries = [json.loads(line) for line in reversed(listed.splitlines())]
    assert all(one["what"].pop("track") == TRACK_ID for one in entries)
    edited = {"artists": ["Ada", "Bea"], "genre": None}
    sung = {"lyrics": ("la " * 1000)[:256]}
    assert [(one["event"], one["whence"], one["what"]) for one in entries] == [
        ("track.unpublished", "headwater track unpublish", {}),
        ("track.published", "headwater track publish", {}),
        ("track.embargoed", "headwater track embargo", {"until": ends}),
        ("track.embargoed", "headwater track embargo", {"until": None}),
        ("track.edited", "headwater track edit", {"changes": edited}),
        ("track.edited", "headwater track edit", {"changes": sung}),
        ("track.rolled-back", "headwater track rollback", {"revision": REVISION}),
    ]
    assert all(one["who"].startswith("operator:") for one in entries)
    album.run("audit", "verify")


@pytest.mark.parametrize("args", [(), ("soon",), ("2999-01-01", "--lift"), ("2999-13-01",)])
def test_an_embargo_needs_an_instant(album: Home, args: tuple[str, ...]) -> None:
    album.run("track", "embargo", TRACK_ID, *args, code=2)


def test_rollback_makes_an_earlier_revision_current(album: Home) -> None:
    album.publish(publication(), revision="f" * 16, master_sha256="3" * 64)
    assert album.json("track", "show", TRACK_ID)["current_revision"] == "f" * 16
    assert album.json("track", "rollback", TRACK_ID, REVISION)["current_revision"] == REVISION
    lines = album.run("track", "revisions", TRACK_ID, "--json").stdout.splitlines()
    revisions = {one["revision"]: one for one in map(json.loads, lines)}
    assert revisions[REVISION]["current"] is True
    assert revisions["f" * 16]["current"] is False
    assert revisions[REVISION]["renditions"][0]["name"] == "aac-128k"
    assert "current" in album.run("track", "revisions", TRACK_ID).stdout


def test_rollback_to_what_never_was_is_refused(album: Home) -> None:
    result = album.run("track", "rollback", TRACK_ID, "e" * 16, code=1)
    assert result.stderr.startswith("catalog: there is no revision")


@pytest.mark.parametrize(
    "command", ["show", "edit --title x", "unpublish", "publish", "embargo --lift", "revisions"]
)
def test_an_unknown_track_is_one_line(album: Home, command: str) -> None:
    name, *options = command.split()
    result = album.run("track", name, "nothing", *options, code=1)
    assert result.stderr.startswith("nothing: no track has that id")
    assert result.stderr.count("\n") == 1


def test_a_title_cannot_steer_the_terminal(home: Home) -> None:
    home.publish(publication(title="\x1b[2Jgone\x07"))
    output = home.run("track", "list").stdout
    assert "\x1b" not in output
    assert r"\x1b[2Jgone\x07" in output

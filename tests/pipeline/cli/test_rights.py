"""`headwater track rights`."""

from __future__ import annotations

import json

import pytest

from tests.support.cli_home import TRACK_ID, Home

RELEASE_ID = "r" + "a" * 20


def test_rights_are_set_shown_and_cleared(album: Home) -> None:
    shown = album.run("track", "rights", "show", TRACK_ID).stdout
    assert shown == "no rights: everywhere and always, once it is published\n"
    spans = ("--in", "de:2026-12-01/2028-12-01T00:00+01:00", "--in", "world:/2030-01-01")
    found = album.json("track", "rights", "set", "First Light", *spans, "--not-in", "FR")
    del found["updated_at"]
    assert found == {
        "owner": TRACK_ID,
        "offline": True,
        "windows": [
            {
                "territory": "DE",
                "licensed": True,
                "start": "2026-12-01T00:00:00Z",
                "end": "2028-11-30T23:00:00Z",
            },
            {"territory": "*", "licensed": True, "start": None, "end": "2030-01-01T00:00:00Z"},
            {"territory": "FR", "licensed": False, "start": None, "end": None},
        ],
    }
    lines = album.run("track", "rights", "show", TRACK_ID).stdout.splitlines()
    assert lines == [
        f"owner    {TRACK_ID}",
        "offline  yes",
        "DE     from 2026-12-01T00:00:00Z  to 2028-11-30T23:00:00Z",
        "world  since ever                 to 2030-01-01T00:00:00Z",
        "FR     not licensed",
    ]
    assert album.run("track", "rights", "clear", TRACK_ID).stdout == f"{TRACK_ID}  cleared\n"
    assert album.run("track", "rights", "show", TRACK_ID, "--json").stdout == "null\n"


def test_a_release_s_rights_count_for_its_tracks_until_they_have_their_own(album: Home) -> None:
    album.run("track", "rights", "set", RELEASE_ID, "--release", "--in", "DE")
    assert album.json("track", "rights", "show", TRACK_ID)["owner"] == RELEASE_ID
    album.run("track", "rights", "set", TRACK_ID, "--no-offline")
    assert album.json("track", "rights", "show", TRACK_ID)["owner"] == TRACK_ID
    shown = album.run("track", "rights", "show", TRACK_ID).stdout.splitlines()
    assert shown[1:] == ["offline  no", "everywhere and always"]
    assert album.json("track", "rights", "show", "Headwaters", "--release")["owner"] == RELEASE_ID


def test_what_is_only_excepted_leaves_the_world(album: Home) -> None:
    found = album.json("track", "rights", "set", TRACK_ID, "--not-in", "US")
    assert [(one["territory"], one["licensed"]) for one in found["windows"]] == [
        ("*", True),
        ("US", False),
    ]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--in", "UK"), "'UK' is no territory"),
        (("--not-in", "world"), "'world' is no territory"),
        (("--in", "DE", "--not-in", "de"), "contradict"),
        (("--in", "DE:2026-12-01"), "write DE:START/END"),
        (("--in", "DE:2026-12-01/2026-12-01"), "ends before it begins"),
        (("--in", "DE:soon/"), "'soon' is no date or instant"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(album: Home, args: tuple[str, ...], told: str) -> None:
    result = album.run("track", "rights", "set", TRACK_ID, *args, code=2)
    assert told in result.stderr


def test_what_is_not_there_is_told(album: Home) -> None:
    assert "no track has" in album.run("track", "rights", "set", "nothing", code=1).stderr
    assert "no rights of its own" in album.run("track", "rights", "clear", TRACK_ID, code=1).stderr


def test_every_change_is_in_the_audit(album: Home) -> None:
    album.run("track", "rights", "set", TRACK_ID, "--in", "DE")
    album.run("track", "rights", "clear", TRACK_ID)
    lines = album.run("audit", "list", "--json").stdout.splitlines()
    entries = [json.loads(line) for line in lines]
    by_event = {one["event"]: one for one in entries}
    assert {"rights.set", "rights.cleared"} <= by_event.keys()
    assert by_event["rights.set"]["who"].startswith("operator:")
    assert by_event["rights.set"]["what"]["windows"][0]["territory"] == "DE"
    assert by_event["rights.cleared"]["what"] == {"owner": TRACK_ID}
    assert album.run("audit", "verify").exit_code == 0

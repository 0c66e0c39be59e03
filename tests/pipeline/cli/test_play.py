from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.records import ReleaseDraft
from pipeline.cli.compose import open_tokens
from tests.support.cli_home import REVISION, TRACK_ID, Home, publication, rendition


def test_the_urls_are_those_of_a_running_origin(album: Home) -> None:
    found = album.json("play", TRACK_ID, "--origin", "https://music.example/hw/")
    root = f"https://music.example/hw/v1/t/{found['token']}/tracks/{TRACK_ID}/{REVISION}"
    folder = f"{root}/standard-premium-lossless"
    assert found["hls"] == f"{folder}/hls/multivariant.m3u8"
    assert found["hls_identity"] == f"{folder}/hls-identity/multivariant.m3u8"
    assert found["dash"] == f"{folder}/dash/manifest.mpd"
    license_url = f"https://music.example/hw/license/clearkey?token={found['token']}"
    assert found["license"] == license_url
    assert (found["track_id"], found["revision"]) == (TRACK_ID, REVISION)


@pytest.mark.parametrize(
    ("tier", "opened"),
    [
        (None, ["standard", "premium", "lossless"]),
        ("premium", ["standard", "premium", "lossless"]),
        ("free", ["standard"]),
        ("standard", ["standard"]),
        ("lossless", ["standard", "premium", "lossless"]),
    ],
)
def test_the_token_opens_the_tiers_asked_for(
    album: Home, tier: str | None, opened: list[str]
) -> None:
    found = album.json("play", TRACK_ID, *(("--tier", tier) if tier else ()))
    now = datetime.now(UTC)
    token = open_tokens(album.settings).playback.verify(found["token"], now)
    assert found["tiers"] == opened == list(token.tiers)
    assert token.scope == f"tracks/{TRACK_ID}/"
    assert datetime.fromisoformat(found["expires_at"]) == token.expires_at
    assert 0 < (token.expires_at - now).total_seconds() <= 3600
    assert f"/{'-'.join(opened)}/" in found["hls"]


@pytest.mark.parametrize("name", [TRACK_ID, "GBAYE0601498", "First Light"])
def test_a_track_is_named_by_id_isrc_or_title(album: Home, name: str) -> None:
    assert album.json("play", name)["track_id"] == TRACK_ID


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"PORT": "9000", "HOST": "0.0.0.0"}, "http://127.0.0.1:9000"),
        ({"HOST": "::1"}, "http://[::1]:8080"),
        ({"PUBLIC_URL": "https://cdn.example/a"}, "https://cdn.example/a"),
    ],
)
def test_the_settings_say_where_the_origin_is(
    album: Home, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], base: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"HEADWATER_ORIGIN__{name}", value)
    assert album.json("play", TRACK_ID)["hls"].startswith(f"{base}/v1/t/")


def test_an_unknown_port_needs_an_origin(album: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_ORIGIN__PORT", "0")
    assert "give --origin" in album.run("play", TRACK_ID, code=1).stderr
    assert album.json("play", TRACK_ID, "--origin", "http://127.0.0.1:1")


def test_people_get_one_line_for_each_url(album: Home) -> None:
    lines = album.run("play", TRACK_ID).stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert {"hls", "hls_identity", "dash", "license", "expires_at", "token"} <= set(names)


def test_an_unknown_tier_is_wrong_usage(album: Home) -> None:
    result = album.run("play", TRACK_ID, "--tier", "gold", code=2)
    assert "there are: free, premium, standard, lossless" in result.stderr


def test_an_unknown_track_is_one_line(album: Home) -> None:
    result = album.run("play", "Nothing", code=1)
    assert result.stderr.startswith("Nothing: no track has that id, ISRC or title")
    assert result.stderr.count("\n") == 1


def test_a_title_of_two_tracks_is_not_guessed(album: Home) -> None:
    other = "t" + "b" * 20
    album.publish(publication(track_id=other, isrc=None))
    result = album.run("play", "First Light", code=1)
    assert TRACK_ID in result.stderr
    assert other in result.stderr


def test_what_listeners_may_not_have_is_not_played(album: Home) -> None:
    album.run("track", "embargo", TRACK_ID, "2999-01-01")
    assert "embargoed until 2999-01-01T00:00:00Z" in album.run("play", TRACK_ID, code=1).stderr
    album.run("track", "embargo", TRACK_ID, "--lift")
    album.run("track", "unpublish", TRACK_ID)
    assert "unpublished" in album.run("play", TRACK_ID, code=1).stderr
    album.run("track", "publish", TRACK_ID)
    album.run("play", TRACK_ID)


def test_a_tier_without_a_rendition_is_an_error(home: Home) -> None:
    home.publish(publication(), renditions=(rendition("flac", "lossless"),))
    result = home.run("play", TRACK_ID, "--tier", "standard", code=1)
    assert "nothing in tier standard (choose one of: lossless)" in result.stderr


def test_another_revision_can_be_chosen(album: Home) -> None:
    album.publish(publication(), revision="f" * 16, master_sha256="3" * 64)
    assert album.json("play", TRACK_ID)["revision"] == "f" * 16
    assert album.json("play", TRACK_ID, "--revision", REVISION)["revision"] == REVISION
    assert (
        "there is no revision" in album.run("play", TRACK_ID, "--revision", "e" * 16, code=1).stderr
    )


RELEASE = "r" + "a" * 20


def _second(album: Home, **changes: Any) -> str:
    """Another track of the album, with the same renditions unless `renditions` says otherwise."""
    renditions = changes.pop("renditions", (rendition("aac-128k", "standard"),))
    other = "t" + "b" * 20
    made = publication(track_id=other, isrc=None, title="Second Light", number=2, **changes)
    album.publish(made, renditions=renditions)
    return other


@pytest.mark.parametrize("name", [RELEASE, "Headwaters", "HEADWATERS", "4006381333931"])
def test_a_release_is_named_by_id_upc_or_title(home: Home, name: str) -> None:
    release = ReleaseDraft(
        release_id=RELEASE, title="Headwaters", artist="Ada", upc="4006381333931"
    )
    home.publish(replace(publication(), release=release))
    assert home.json("play", "--release", name)["release_id"] == RELEASE


def test_a_release_is_played_as_one_piece(album: Home) -> None:
    other = _second(album)
    found = album.json("play", "--release", RELEASE, "--tier", "free", "--origin", "http://o/")

    assert [one["track_id"] for one in found["tracks"]] == [TRACK_ID, other]
    assert [one["title"] for one in found["tracks"]] == ["First Light", "Second Light"]
    assert (found["title"], found["artist"], found["tiers"]) == ("Headwaters", "Ada", ["standard"])
    place = f"http://o/v1/t/{found['token']}/releases/{RELEASE}/{found['edition']}/standard"
    assert found["hls"] == f"{place}/hls/multivariant.m3u8"
    assert found["hls_aes128"] == f"{place}/hls-aes128/multivariant.m3u8"
    assert found["dash"] == f"{place}/dash/manifest.mpd"
    token = open_tokens(album.settings).playback.verify(found["token"], datetime.now(UTC))
    assert (token.scope, token.tiers) == (f"releases/{RELEASE}/", ("standard",))
    lines = album.run("play", "--release", RELEASE).stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("tracks ")] == [
        "First Light, Second Light"
    ]


def test_a_release_of_which_listeners_may_have_nothing_is_not_played(album: Home) -> None:
    album.run("track", "unpublish", TRACK_ID)
    shown = album.run("play", "--release", RELEASE, code=1).stderr
    assert shown == f"{RELEASE}: none of its tracks is available\n"


def test_tracks_must_have_something_in_common(album: Home) -> None:
    _second(album, renditions=(rendition("aac-64k", "standard"), rendition("flac", "lossless")))
    shown = album.run("play", "--release", RELEASE, "--tier", "standard", code=1).stderr
    assert shown == f"{RELEASE}: no rendition in tier standard that every track has\n"
    assert album.json("play", "--release", RELEASE)["tiers"][-1] == "lossless"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "name one thing"),
        ((TRACK_ID, "--release", RELEASE), "name one thing"),
        (("--release", RELEASE, "--revision", REVISION), "--revision is of a track"),
    ],
)
def test_one_thing_is_played(album: Home, arguments: tuple[str, ...], problem: str) -> None:
    assert problem in album.run("play", *arguments, code=2).stderr


def test_an_unknown_release_is_one_line(album: Home) -> None:
    result = album.run("play", "--release", "Nothing", code=1)
    assert result.stderr == "Nothing: no release has that id, UPC or title\n"


def test_a_title_of_two_releases_is_not_guessed(album: Home) -> None:
    other = ReleaseDraft(release_id="r" + "b" * 20, title="Headwaters", artist="Grace")
    album.publish(replace(publication(track_id="t" + "b" * 20, isrc=None), release=other))
    shown = album.run("play", "--release", "Headwaters", code=1).stderr
    assert f"{RELEASE} (Ada)" in shown
    assert f"{other.release_id} (Grace)" in shown

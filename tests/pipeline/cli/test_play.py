from __future__ import annotations

from datetime import UTC, datetime

import pytest

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
    album.publish(publication(), revision="f" * 16)
    assert album.json("play", TRACK_ID)["revision"] == "f" * 16
    assert album.json("play", TRACK_ID, "--revision", REVISION)["revision"] == REVISION
    assert (
        "there is no revision" in album.run("play", TRACK_ID, "--revision", "e" * 16, code=1).stderr
    )

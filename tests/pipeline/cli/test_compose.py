from __future__ import annotations

import stat
from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.settings import DrmSettings, Settings
from drm.errors import KekUnavailable, SecretUnavailable
from pipeline.cli.compose import Invocation, open_deps
from tests.support.cli_home import TRACK_ID, Home


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_home_is_made_at_first_use_for_its_owner_alone(home: Home) -> None:
    async with open_deps(home.settings) as deps:
        assert deps.settings is not None
    assert _mode(home.path) == 0o700
    assert _mode(home.path / "kek.json") == 0o600
    assert _mode(home.path / "tokens.json") == 0o600
    assert (home.path / "catalog.db").exists()


async def test_the_second_use_finds_the_same_secrets(home: Home) -> None:
    async with open_deps(home.settings):
        before = {name: (home.path / name).read_bytes() for name in ("kek.json", "tokens.json")}
    async with open_deps(home.settings):
        after = {name: (home.path / name).read_bytes() for name in before}
    assert after == before


def test_a_lost_kek_is_not_replaced_while_keys_need_it(album: Home) -> None:
    kek = album.path / "kek.json"
    kek.rename(album.path / "backup.json")
    for args in (("serve", "--port", "0"), ("serve", "--port", "0", "--workers", "2")):
        result = album.run(*args, code=1)
        assert result.stderr.startswith(f"{kek}: the KEK is missing")
        assert "restore it from a backup" in result.stderr
        assert result.stderr.count("\n") == 1
    assert not kek.exists()


def test_a_lost_kek_does_not_stop_what_needs_none(album: Home) -> None:
    (album.path / "kek.json").unlink()
    assert TRACK_ID in album.run("track", "list").stdout
    assert album.json("play", TRACK_ID)["token"]


async def test_a_kek_that_wrapped_nothing_may_be_made_again(home: Home) -> None:
    async with open_deps(home.settings):
        pass
    (home.path / "kek.json").unlink()
    async with open_deps(home.settings):
        assert (home.path / "kek.json").exists()


@pytest.mark.parametrize("name", ["kek.json", "tokens.json"])
async def test_loose_permissions_are_refused_with_the_remedy(home: Home, name: str) -> None:
    async with open_deps(home.settings):
        pass
    path = home.path / name
    path.chmod(0o644)
    with pytest.raises(SecretUnavailable, match=f"chmod 600 {path}"):
        async with open_deps(home.settings):
            pass


async def test_the_catalog_is_closed_when_a_later_step_fails(home: Home) -> None:
    async with open_deps(home.settings):
        pass
    (home.path / "kek.json").write_text("{}")
    with pytest.raises(KekUnavailable):
        async with open_deps(home.settings):
            pass  # an open database would be a ResourceWarning, which is an error here


async def test_a_subscription_of_an_unknown_tier_is_a_wrong_setting(home: Home) -> None:
    drm = DrmSettings(subscriptions={"vip": ("gold",)})
    with pytest.raises(ConfigError, match=r"drm\.subscriptions\.vip: value 'gold'"):
        async with open_deps(Settings(home=home.path, drm=drm)):
            pass


def test_a_flag_that_was_not_given_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_ORIGIN__PORT", "9001")
    invocation = Invocation(config=None, home=tmp_path, verbosity=0)
    loaded = invocation.load({"origin.port": None, "origin.host": "::1"})
    assert (loaded.settings.origin.port, loaded.settings.origin.host) == (9001, "::1")
    assert loaded.settings.home == tmp_path

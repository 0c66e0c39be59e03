from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli_home import Home


def test_every_value_is_shown_with_its_source(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "headwater.yaml"
    file.write_text("origin:\n  workers: 3\n  port: 9000\n")
    monkeypatch.setenv("HEADWATER_CONFIG", str(file))
    monkeypatch.setenv("HEADWATER_ORIGIN__PORT", "9001")
    found = home.json("config", "show")
    assert found["home"] == {"value": str(home.path), "source": "flag"}
    assert found["origin.port"] == {"value": 9001, "source": "HEADWATER_ORIGIN__PORT"}
    assert found["origin.workers"]["value"] == 3
    assert str(file) in found["origin.workers"]["source"]
    assert found["origin.host"] == {"value": "127.0.0.1", "source": "default"}
    assert found["drm.subscriptions"]["value"]["free"] == ["standard"]


def test_people_get_a_table(home: Home) -> None:
    lines = home.run("config", "show").stdout.splitlines()
    row = next(line for line in lines if line.startswith("drm.subscriptions"))
    assert "free: standard; premium: standard, premium, lossless" in row
    assert any(line.split() == ["origin.public_url", "none", "default"] for line in lines)


def test_a_password_is_masked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_CATALOG__URL", "sqlite+aiosqlite:////x.db?password=hunter2")
    for args in (("config", "show"), ("config", "show", "--json")):
        assert "hunter2" not in home.run(*args).output


def test_every_wrong_setting_is_a_line_of_its_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_ORIGIN__PORT", "many")
    monkeypatch.setenv("HEADWATER_INGEST__SCHEME", "rot13")
    result = home.run("config", "show", code=2)
    assert len(result.stderr.splitlines()) == 2
    assert "HEADWATER_ORIGIN__PORT: origin.port: value 'many' is not allowed" in result.stderr
    assert "cbcs" in result.stderr
    assert result.stdout == ""


def test_looking_makes_nothing(home: Home) -> None:
    home.run("config", "show")
    assert not home.path.exists()

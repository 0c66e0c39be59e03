"""Everything lies under `home` unless a setting says otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs import paths
from configs.errors import ConfigError
from configs.loading import load_settings


def test_all_is_under_home_by_default() -> None:
    settings = load_settings(None, {"HEADWATER_HOME": "/srv/hw"}, {}).settings
    assert paths.storage_path(settings) == Path("/srv/hw/storage")
    assert paths.catalog_url(settings) == "sqlite+aiosqlite:////srv/hw/catalog.db"
    assert paths.kek_file(settings) == Path("/srv/hw/kek.json")
    assert paths.token_file(settings) == Path("/srv/hw/tokens.json")
    assert paths.temp_path(settings) == Path("/srv/hw/tmp")


def test_a_relative_home_becomes_absolute(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {}).settings
    assert paths.storage_path(settings) == Path.cwd() / ".headwater" / "storage"
    assert paths.catalog_url(settings).startswith("sqlite+aiosqlite:////")


def test_each_can_be_put_elsewhere() -> None:
    env = {
        "HEADWATER_STORAGE__PATH": "/a",
        "HEADWATER_CATALOG__URL": "sqlite+aiosqlite:////b.db",
        "HEADWATER_DRM__KEK_FILE": "/c",
        "HEADWATER_DRM__TOKEN_FILE": "/d",
        "HEADWATER_INGEST__TEMP": "/e",
    }
    settings = load_settings(None, env, {}).settings
    found = (
        paths.storage_path(settings),
        paths.kek_file(settings),
        paths.token_file(settings),
        paths.temp_path(settings),
    )
    assert found == (Path("/a"), Path("/c"), Path("/d"), Path("/e"))
    assert paths.catalog_url(settings) == "sqlite+aiosqlite:////b.db"


def test_a_home_that_no_url_can_name_is_refused() -> None:
    settings = load_settings(None, {"HEADWATER_HOME": "/srv/what?"}, {}).settings
    with pytest.raises(ConfigError, match="a path without"):
        paths.catalog_url(settings)

"""Where things rest when no setting says otherwise: all of it under `home`."""

from __future__ import annotations

from pathlib import Path

from configs.errors import ConfigError
from configs.settings import Settings


def storage_path(settings: Settings) -> Path:
    """Return the folder of the local store."""
    return _under_home(settings, settings.storage.path, "storage")


def catalog_url(settings: Settings) -> str:
    """Return the catalog's SQLAlchemy URL."""
    if settings.catalog.url is not None:
        return settings.catalog.url
    path = str(settings.home.absolute() / "catalog.db")
    if "?" in path:  # would begin the URL's query
        raise ConfigError([f"home: value {path!r} is not allowed: a path without '?'"])
    return f"sqlite+aiosqlite:///{path}"


def kek_file(settings: Settings) -> Path:
    """Return the file with the key-encryption keys."""
    return _under_home(settings, settings.drm.kek_file, "kek.json")


def audit_file(settings: Settings) -> Path:
    """Return the file with the key that seals the audit."""
    return _under_home(settings, settings.drm.audit_file, "audit.json")


def token_file(settings: Settings) -> Path:
    """Return the file with the keys that sign tokens."""
    return _under_home(settings, settings.drm.token_file, "tokens.json")


def temp_path(settings: Settings) -> Path:
    """Return the folder where an ingest works; everything in it may be removed when none runs."""
    return _under_home(settings, settings.ingest.temp, "tmp")


def uploads_path(settings: Settings) -> Path:
    """Return the folder where uploads rest."""
    return _under_home(settings, settings.uploads.path, "uploads")


def _under_home(settings: Settings, path: Path | None, name: str) -> Path:
    return (path or settings.home / name).absolute()


def nearest_existing(folder: Path) -> Path:
    """The folder, or the first above it that is there: whose disk it will be on."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())

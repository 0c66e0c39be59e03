"""Every setting, its type, its default and its bounds. `headwater.yaml` shows them commented.

A packaged default, then the YAML file, then `HEADWATER_SECTION__KEY`, then flags: later wins.
Packages are given their own section; nothing reads settings at import time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class IngestSettings(Section):
    """How masters become packages."""

    jobs: int | None = Field(None, ge=1, le=256)  # masters side by side; None: one per core
    ladder: Path | None = None  # None: the packaged ladder.yaml
    segment_s: float = Field(4.0, ge=1.0, le=10.0)
    scheme: Literal["cbcs", "cenc", "clear"] = "cbcs"
    max_duration_s: int = Field(6 * 3600, ge=1)
    max_cover_bytes: int = Field(20 << 20, ge=1024)
    temp: Path | None = None  # None: HOME/tmp


class FfmpegSettings(Section):
    """Which ffmpeg runs. None: the newest found on the system or in a PyPI wheel."""

    ffmpeg: Path | None = None
    ffprobe: Path | None = None


class StorageSettings(Section):
    """Where objects rest."""

    path: Path | None = None  # None: HOME/storage


class CatalogSettings(Section):
    """The database."""

    url: str | None = None  # None: SQLite at HOME/catalog.db


class DrmSettings(Section):
    """Keys, and which subscription opens which tiers."""

    kek_file: Path | None = None  # None: HOME/kek.json, made (0600) at first use
    token_file: Path | None = None  # None: HOME/tokens.json (0600): token signing keys
    subscriptions: dict[Name, tuple[Name, ...]] = {
        "free": ("standard",),
        "premium": ("standard", "premium", "lossless"),
    }
    playback_ttl_s: int = Field(3600, ge=5, le=86400)
    access_ttl_s: int = Field(86400, ge=60)
    issuer: str = "headwater"
    audience: str = "headwater"


class OriginSettings(Section):
    """The HTTP server."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    workers: int = Field(1, ge=1, le=64)
    public_url: str | None = Field(None, pattern=r"^https?://[^/?#]+(/[^?#]*[^/?#])?$")
    trusted_proxies: tuple[str, ...] = ()  # CIDR blocks whose X-Forwarded-* are believed
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    cache_bytes: int = Field(256 << 20, ge=1 << 20)
    shutdown_grace_s: float = Field(30.0, ge=0)


class Settings(Section):
    """The whole tree."""

    home: Path = Path(".headwater")
    tenant: Name = "default"
    ingest: IngestSettings = IngestSettings()
    ffmpeg: FfmpegSettings = FfmpegSettings()
    storage: StorageSettings = StorageSettings()
    catalog: CatalogSettings = CatalogSettings()
    drm: DrmSettings = DrmSettings()
    origin: OriginSettings = OriginSettings()

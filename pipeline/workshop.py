"""Everything an ingest works with; the composition root fills it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from catalog.engine import Catalog
from configs.ladder import Ladder
from configs.settings import IngestSettings, JobSettings
from drm.audit import Auditor
from drm.key_provider import KeyProvider
from drm.keyring import Keyring
from packager.systems import KeySystems
from pipeline.cores import Cores
from pipeline.ffmpeg.binaries import Tools
from pipeline.workspace import Workspace
from storage.base import ObjectStore


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything an ingest works with."""

    store: ObjectStore
    catalog: Catalog
    keyring: Keyring
    ladder: Ladder
    tools: Tools
    settings: IngestSettings
    systems: KeySystems
    tenant: str
    workspace: Workspace
    folders: tuple[Path, ...]  # what it fills: the temporary one, and a local store
    clock: Callable[[], datetime]
    cores: Cores  # for ffmpeg's processes
    auditor: Auditor
    key_provider: KeyProvider | None = None  # None: the keyring makes keys
    jobs: JobSettings = field(default_factory=JobSettings)

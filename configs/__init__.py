"""Settings: their names, defaults, bounds, and where they may come from.

What it does
    Merges the packaged defaults, a YAML file, `HEADWATER_SECTION__KEY` variables and flags, later
    wins; refuses every key it does not know and every value that is not allowed, all in one
    ConfigError that names file, line, key, value and remedy; knows the source of each value.
    Reads the rendition ladder the same way. Holds the YAML files that are installed with the
    program.

What it never does
    Read settings at import time, or look anything up for another package: `pipeline.cli.compose`
    loads them once and passes each package its own section. Import anything of ours. Touch a
    file other than those it is told to read. Show a password in a message.

Where to start
    `settings.py` is every setting; `headwater.yaml` shows them commented, at their defaults.
    `loading.load_settings` merges them. `paths` says where things rest under `home`.
    `ladder.load_ladder` reads `ladder.yaml`. `document` and `problems` make the messages.
"""

from __future__ import annotations

from configs.errors import ConfigError
from configs.ladder import Ladder, Rung, load_ladder
from configs.loading import Loaded, load_settings
from configs.settings import (
    CatalogSettings,
    DrmSettings,
    FfmpegSettings,
    IngestSettings,
    OriginSettings,
    Settings,
    StorageSettings,
)

__all__ = [
    "CatalogSettings",
    "ConfigError",
    "DrmSettings",
    "FfmpegSettings",
    "IngestSettings",
    "Ladder",
    "Loaded",
    "OriginSettings",
    "Rung",
    "Settings",
    "StorageSettings",
    "load_ladder",
    "load_settings",
]

"""The composition root of whatever ingests: settings become a workshop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from configs import paths
from configs.settings import DrmSettings, Settings
from drm.audit import Auditor
from drm.key_provider import KeyProvider
from pipeline.batch import open_workshop
from pipeline.cli.compose import key_systems, open_deps, operator
from pipeline.cli.storage import require_store
from pipeline.cli.traces import traces
from pipeline.ffmpeg.binaries import find_tools
from pipeline.workshop import Workshop


@asynccontextmanager
async def open_whole_workshop(settings: Settings, command: str) -> AsyncIterator[Workshop]:
    """Open everything that an ingest works with; `command` is who it is, for the audit."""
    tools = await find_tools(settings.ffmpeg)
    temp = paths.temp_path(settings)
    async with (
        traces(settings.monitoring, f"headwater {command}"),
        open_deps(settings) as deps,
        _open_key_provider(settings.drm) as key_provider,
        open_workshop(
            store=deps.store,
            catalog=deps.catalog,
            keyring=deps.keyring,
            auditor=Auditor(deps.audit, operator(), f"headwater {command}"),
            ladder=deps.ladder,
            tools=tools,
            settings=settings.ingest,
            tenant=settings.tenant,
            temp=temp,
            systems=key_systems(settings.drm.systems),
        ) as shop,
    ):
        await require_store(deps.store)
        filled = [paths.storage_path(settings)] if settings.storage.kind == "local" else []
        yield replace(shop, key_provider=key_provider, jobs=settings.jobs, folders=(temp, *filled))


@asynccontextmanager
async def _open_key_provider(settings: DrmSettings) -> AsyncIterator[KeyProvider | None]:
    """The vendor that makes content keys; None where we do."""
    if settings.key_provider == "local" or settings.speke_url is None:
        yield None
        return
    from pipeline.cli.speke import open_speke_client  # noqa: PLC0415 - slow to load, rarely needed

    async with open_speke_client(settings, settings.speke_url) as client:
        yield client

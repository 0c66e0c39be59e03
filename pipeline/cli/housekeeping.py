"""What the commands of housekeeping share: all dependencies, and the archive's second place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from configs.settings import Settings
from drm.audit import Auditor
from pipeline.cli.compose import Deps, Invocation, open_catalog, open_deps, operator
from storage.base import ObjectStore
from storage.local import LocalStore

_T = TypeVar("_T")


def run_housekeeping(
    invocation: Invocation, command: str, task: Callable[[Deps, Auditor], Awaitable[_T]]
) -> _T:
    """Run a command's work in a HOME that has a catalog already."""
    settings = invocation.load().settings

    async def run() -> _T:
        async with open_catalog(settings):
            pass  # Failure: nothing is made in the wrong folder
        async with open_deps(settings) as deps:
            return await task(deps, Auditor(deps.audit, operator(), f"headwater {command}"))

    return asyncio.run(run())


def cold_store(settings: Settings) -> ObjectStore | None:
    """Where the archive moves masters; None where the settings name no such place."""
    path = settings.ingest.archive_path
    return None if path is None else LocalStore(path)

"""The composition root of uploads: the pipeline's gate, as the origin asks it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.engine import Catalog
from configs import paths
from configs.planning import load_planning
from configs.settings import Settings
from origin.uploads.ports import Inspected, InspectorAway, MasterRefused, UploadDeps
from pipeline.clamd import ScannerAway
from pipeline.cli.executors import make_submitter
from pipeline.errors import PipelineError
from pipeline.ffmpeg.binaries import find_tools
from pipeline.uploads import Gate, NotTaken

_log = logging.getLogger("headwater.uploads")


@dataclass(frozen=True, slots=True)
class GateInspector:
    """The origin's Inspector."""

    gate: Gate

    def check(self, fields: Mapping[str, str]) -> None:
        """Look at what is said of a recording. MasterRefused."""
        try:
            self.gate.check(fields)
        except NotTaken as exc:
            raise MasterRefused(exc.reason, exc.detail) from exc

    async def inspect(self, path: Path, fields: Mapping[str, str]) -> Inspected:
        """Look at a file. MasterRefused, InspectorAway."""
        try:
            look = await self.gate.look(path, fields)
        except NotTaken as exc:
            raise MasterRefused(exc.reason, exc.detail) from exc
        except (ScannerAway, PipelineError, OSError) as exc:
            raise InspectorAway(str(exc)) from exc
        return Inspected(look.track_id, look.release_id, look.duration_s, look.work_s)


async def make_uploads(settings: Settings, catalog: Catalog) -> UploadDeps | None:
    """What the origin's uploads work with; None where there are to be none, or cannot be."""
    if not settings.uploads.enabled:
        return None
    try:
        tools = await find_tools(settings.ffmpeg)
    except PipelineError as exc:  # an origin that only delivers needs no ffmpeg
        _log.warning("nothing can be uploaded here: %s", exc)
        return None
    measured = load_planning(None).measured
    gate = Gate(settings.uploads, settings.ingest, measured, tools, settings.tenant)
    return UploadDeps(
        settings=settings.uploads,
        folder=paths.uploads_path(settings),
        min_free_bytes=settings.jobs.min_free_bytes,
        inspector=GateInspector(gate),
        submitter=make_submitter(settings.jobs, catalog),
    )

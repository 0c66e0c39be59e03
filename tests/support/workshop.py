"""A workshop in a folder of its own: everything an ingest works with, all of it real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.engine import Catalog
from configs.ladder import load_ladder
from configs.settings import FfmpegSettings, IngestSettings, JobSettings
from drm.kek import LocalKek
from drm.keyring import Keyring
from pipeline.batch import open_workshop
from pipeline.errors import ToolMissing
from pipeline.ffmpeg.binaries import Tools, find_tools
from pipeline.progress import Outcome, Progress
from pipeline.workshop import Workshop
from storage.base import ObjectStore
from storage.local import LocalStore
from tests.support import ladders

SYSTEM_FFMPEG = Path("/usr/bin/ffmpeg")


def newest_tools() -> Tools:
    """The newest ffmpeg here."""
    return asyncio.run(find_tools(FfmpegSettings()))


def system_tools() -> Tools | None:
    """The system's ffmpeg, if it has one; on Debian 12 it is older than 7."""
    try:
        return asyncio.run(find_tools(FfmpegSettings(ffmpeg=SYSTEM_FFMPEG)))
    except ToolMissing:
        return None


@dataclass(slots=True)
class Recorder:
    """A reporter that remembers."""

    sources: list[Path] = field(default_factory=list)
    events: list[Progress] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    ended: bool = False

    def begin(self, sources: Sequence[Path]) -> None:
        self.sources.extend(sources)

    def progress(self, event: Progress) -> None:
        self.events.append(event)

    def warn(self, source: Path, text: str) -> None:
        self.warnings.append(f"{source.name}: {text}")

    def done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def end(self) -> None:
        self.ended = True


@asynccontextmanager
async def workshop(
    home: Path,
    tools: Tools,
    settings: IngestSettings | None = None,
    store: ObjectStore | None = None,
    jobs: JobSettings | None = None,
) -> AsyncIterator[Workshop]:
    """Open it; the catalog, the storage and the KEK rest in `home`. A job is tried once."""
    home.mkdir(exist_ok=True)
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{home / 'catalog.db'}")
    try:
        async with open_workshop(
            store=store or LocalStore(home / "storage"),
            catalog=catalog,
            keyring=Keyring(LocalKek.open(home / "kek.json", create=True)),
            ladder=load_ladder(ladders.FAST),
            tools=tools,
            settings=settings or IngestSettings(),
            tenant="default",
            temp=home / "tmp",
        ) as shop:
            yield replace(shop, jobs=jobs or JobSettings(attempts=1))
    finally:
        await catalog.close()

"""What uploads need of others: the composition root fills it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.jobs import Within
from catalog.records import MasterSource
from configs.settings import UploadSettings


class MasterRefused(Exception):
    """It will not be taken, however often it is sent. `detail` is for whoever sent it."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


class InspectorAway(Exception):
    """Whoever looks at masters cannot do so now."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A master that can be taken."""

    track_id: str  # which track it is
    release_id: str | None  # which release it says it is of; its title and cover go there
    duration_s: float
    work_s: float  # what its job takes, about


class Inspector(Protocol):
    """Looks at masters before a job is made of them."""

    def check(self, fields: Mapping[str, str]) -> None:
        """Look at what is said of a recording. MasterRefused."""
        ...

    async def inspect(self, path: Path, fields: Mapping[str, str]) -> Inspected:
        """Look at the file, and keep beside it what is said of it. MasterRefused, InspectorAway."""
        ...


class JobSubmitter(Protocol):
    """Takes masters in, to be ingested soon."""

    async def submit(
        self, source: MasterSource, *, queue: str, tenant: str, within: Within | None = None
    ) -> str:
        """Queue a job and return its id. `within` runs in the transaction that makes it."""
        ...


@dataclass(frozen=True, slots=True)
class UploadDeps:
    """All that uploads work with."""

    settings: UploadSettings
    folder: Path
    min_free_bytes: int  # that have to be left in it
    inspector: Inspector
    submitter: JobSubmitter

"""What an ingest tells while it runs: plain values, and the protocol of who shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, Self

from catalog.records import RenditionRecord


class Stage(StrEnum):
    """The stages of a track, in order."""

    PROBE = "probe"
    ENCODE = "encode"
    PACKAGE = "package"
    STORE = "store"
    PUBLISH = "publish"


class Status(StrEnum):
    """How a track's ingest ended."""

    PUBLISHED = "published"  # a new revision is current
    UPDATED = "updated"  # it was current already, and is called as its delivery says now
    RESTORED = "restored"  # an older revision of the same making is current again
    UNCHANGED = "unchanged"  # it was current already
    FAILED = "failed"
    CANCELED = "canceled"  # somebody did not want it any more


# What part of a track's time is over when a stage begins: encoding is nearly all of it.
_BEGINS = {
    Stage.PROBE: 0.0,
    Stage.ENCODE: 0.02,
    Stage.PACKAGE: 0.94,
    Stage.STORE: 0.97,
    Stage.PUBLISH: 0.99,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a track is."""

    source: Path
    stage: Stage
    title: str | None = None
    fraction: float = 0.0  # of this stage, 0 to 1

    @classmethod
    def at(cls, source: Path, stage: Stage, overall: float) -> Self:
        """How far a track is that has come so far altogether, 0 to 1."""
        begin, end = _span(stage)
        return cls(source, stage, fraction=min(max((overall - begin) / (end - begin), 0.0), 1.0))

    @property
    def overall(self) -> float:
        """Of the whole track, 0 to 1."""
        begin, end = _span(self.stage)
        return begin + (end - begin) * self.fraction


def _span(stage: Stage) -> tuple[float, float]:
    """What part of a track's time a stage is."""
    stages = list(Stage)
    following = stages[stages.index(stage) + 1 :]
    return _BEGINS[stage], _BEGINS[following[0]] if following else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a track ended. What is None is not known of a track that failed."""

    source: Path
    status: Status
    seconds: float  # wall time
    title: str | None = None
    track_id: str | None = None
    revision: str | None = None
    duration_s: float | None = None
    renditions: tuple[RenditionRecord, ...] = ()
    hls: str | None = None  # where the multivariant playlist rests
    dash: str | None = None  # where the MPD rests
    error: str | None = None  # one line: `path: cause (what to do)`


class Reporter(Protocol):
    """Shows an ingest to somebody. Called from the event loop's thread only; must not block."""

    def begin(self, sources: Sequence[Path]) -> None:
        """These masters will be ingested."""
        ...

    def progress(self, event: Progress) -> None:
        """A track came further."""
        ...

    def warn(self, source: Path, text: str) -> None:
        """Something about a track should be known; it goes on."""
        ...

    def done(self, outcome: Outcome) -> None:
        """A track ended."""
        ...

    def end(self) -> None:
        """All tracks ended, or the ingest was interrupted."""
        ...

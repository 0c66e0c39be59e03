"""What the processes of a worker count, for Prometheus: how jobs ended, and how long they took.

Each process writes its page when a job ends; one, which does no jobs, answers for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.telemetry.board import Board, Page
from configs.telemetry.series import Family, Meters
from pipeline.progress import Outcome, Progress, Reporter

# Seconds; a song takes about a minute of one core, an audiobook an hour.
_TRACK_S = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


class WorkerMeters:
    """The families."""

    def __init__(self) -> None:
        self.meters = Meters()
        self.ended = self.meters.counter(
            "headwater_worker_jobs_total", "Tries at jobs that ended.", "outcome"
        )
        self.seconds = self.meters.histogram(
            "headwater_worker_job_seconds", "How long they took.", "outcome", bounds=_TRACK_S
        )
        self.stages = self.meters.counter(
            "headwater_worker_stages_total", "Stages of jobs that were begun.", "stage"
        )

    def of(self, board: Board) -> list[Family]:
        """What all processes of the worker have counted."""
        sheets = [sheet.snapshot for sheet in board.read()]
        return list(self.meters.merged((), sheets).values())


class CountingReporter:
    """Counts what another reporter says."""

    def __init__(self, reporter: Reporter, board: Board) -> None:
        self._reporter = reporter
        self._meters = WorkerMeters()
        self._page: Page = board.take()
        self._meters.meters.resume(self._page.before())

    def begin(self, sources: Sequence[Path]) -> None:
        """As the other."""
        self._reporter.begin(sources)

    def progress(self, event: Progress) -> None:
        """Count a stage that begins."""
        if event.fraction == 0:
            self._meters.stages.up(event.stage.value)
        self._reporter.progress(event)

    def warn(self, source: Path, text: str) -> None:
        """Count a job that is tried again."""
        self._count("later", None)
        self._reporter.warn(source, text)

    def done(self, outcome: Outcome) -> None:
        """Count how it ended."""
        self._count(outcome.status.value, outcome.seconds)
        self._reporter.done(outcome)

    def end(self) -> None:
        """As the other."""
        self._reporter.end()

    def _count(self, outcome: str, seconds: float | None) -> None:
        self._meters.ended.up(outcome)
        if seconds is not None:
            self._meters.seconds.observe(seconds, outcome)
        self._page.write(self._meters.meters.snapshot())

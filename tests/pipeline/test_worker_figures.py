"""What the processes of a worker counted, of all of them."""

from __future__ import annotations

from pathlib import Path

from configs.telemetry.board import Board
from configs.telemetry.exposition import exposition
from pipeline.log_reporter import LogReporter
from pipeline.progress import Outcome, Progress, Stage, Status
from pipeline.worker_figures import CountingReporter, WorkerMeters


def test_how_jobs_ended_and_how_long_they_took() -> None:
    board = Board(2)
    source = Path("a.flac")
    reporter = CountingReporter(LogReporter(), board)
    reporter.begin([source])
    reporter.progress(Progress(source, Stage.PROBE))
    reporter.progress(Progress(source, Stage.ENCODE, fraction=0.5))
    reporter.warn(source, "the storage is away")
    reporter.done(Outcome(source, Status.PUBLISHED, 12.5))
    reporter.done(Outcome(source, Status.FAILED, 1.0, error="it is broken"))
    reporter.end()
    lines = exposition(WorkerMeters().of(board), "")[0].decode().splitlines()
    for line in (
        'headwater_worker_jobs_total{outcome="later"} 1.0',
        'headwater_worker_jobs_total{outcome="published"} 1.0',
        'headwater_worker_jobs_total{outcome="failed"} 1.0',
        'headwater_worker_job_seconds_sum{outcome="published"} 12.5',
        'headwater_worker_stages_total{stage="probe"} 1.0',
    ):
        assert line in lines

"""What a worker says: a line when a track ends, or waits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import shown
from pipeline.progress import Outcome, Progress, Status

_log = logging.getLogger(__name__)


class LogReporter:
    """Writes to the log. How far a track is, its job's row says."""

    def begin(self, sources: Sequence[Path]) -> None:
        """Nothing begins together."""

    def progress(self, event: Progress) -> None:
        """Say which stage began, to whoever wants to know all."""
        if event.fraction == 0:
            _log.debug("%s: %s", shown(event.source), event.stage)

    def warn(self, source: Path, text: str) -> None:
        """Say it."""
        _log.warning("%s: %s", shown(source), text)

    def done(self, outcome: Outcome) -> None:
        """Say how it ended."""
        if outcome.status in {Status.FAILED, Status.CANCELED}:
            _log.warning("%s: %s", outcome.status, outcome.error or shown(outcome.source))
        else:
            what = (outcome.status, outcome.track_id, outcome.revision, outcome.seconds)
            _log.info("%s %s/%s in %.1f s", *what)

    def end(self) -> None:
        """Nothing ends together."""

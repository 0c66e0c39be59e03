"""How an ingest shows: live on a terminal, as lines elsewhere, as JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.cli.outcomes import as_json, describe
from pipeline.cli.output import printable, write_json
from pipeline.errors import shown
from pipeline.progress import Outcome, Progress, Reporter


def make_reporter(*, as_json: bool) -> Reporter:
    """Live progress where stderr is a terminal, plain lines elsewhere; JSON on stdout if asked."""
    shown = _live() if sys.stderr.isatty() else PlainReporter()
    return JsonReporter(shown) if as_json else shown


def _live() -> Reporter:
    from pipeline.cli.live_reporter import LiveReporter  # noqa: PLC0415 - rich is slow to load

    return LiveReporter()


class PlainReporter:
    """A line on stderr when a stage begins and when a track ends."""

    def __init__(self) -> None:
        self._total = 0
        self._ended = 0
        self._stages: dict[Path, str] = {}

    def begin(self, sources: Sequence[Path]) -> None:
        """Say how many there are."""
        self._total = len(sources)
        self._say(f"{self._total} master{'' if self._total == 1 else 's'}")

    def progress(self, event: Progress) -> None:
        """Say which stage began; the percents in between are left out."""
        if self._stages.get(event.source) != event.stage:
            self._stages[event.source] = event.stage
            self._say(f"{shown(event.source)}: {event.stage}")

    def warn(self, source: Path, text: str) -> None:
        """Say it."""
        self._say(f"{shown(source)}: note: {text}")

    def done(self, outcome: Outcome) -> None:
        """Say how it ended."""
        self._ended += 1
        self._say(f"[{self._ended}/{self._total}] {describe(outcome)}")

    def end(self) -> None:
        """Nothing is left to say."""

    @staticmethod
    def _say(line: str) -> None:
        click.echo(printable(line), err=True)


class JsonReporter:
    """One JSON object on stdout for each track that ended; the rest as another reporter has it."""

    def __init__(self, shown: Reporter) -> None:
        self._shown = shown

    def begin(self, sources: Sequence[Path]) -> None:
        """Pass on."""
        self._shown.begin(sources)

    def progress(self, event: Progress) -> None:
        """Pass on."""
        self._shown.progress(event)

    def warn(self, source: Path, text: str) -> None:
        """Pass on."""
        self._shown.warn(source, text)

    def done(self, outcome: Outcome) -> None:
        """Print the object, and pass on."""
        write_json(as_json(outcome))
        self._shown.done(outcome)

    def end(self) -> None:
        """Pass on."""
        self._shown.end()

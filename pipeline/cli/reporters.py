"""How an ingest shows: live on a terminal, as lines elsewhere, as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipeline.cli.output import duration, printable, write_json
from pipeline.errors import shown
from pipeline.progress import Outcome, Progress, Reporter, Status

_MARKS = {
    Status.PUBLISHED: "[green]✓[/]",
    Status.RESTORED: "[green]↩[/]",
    Status.UNCHANGED: "[dim]=[/]",
    Status.FAILED: "[red]✗[/]",
}


def make_reporter(*, as_json: bool) -> Reporter:
    """Live progress where stderr is a terminal, plain lines elsewhere; JSON on stdout if asked."""
    console = Console(stderr=True)
    shown: Reporter = LiveReporter(console) if console.is_terminal else PlainReporter()
    return JsonReporter(shown) if as_json else shown


def describe(outcome: Outcome) -> str:
    """One line about a track that ended."""
    if outcome.status is Status.FAILED:
        return printable(outcome.error or f"{shown(outcome.source)}: failed")
    length = duration(outcome.duration_s or 0)
    what = f"{outcome.status}: {outcome.title} ({length}) {outcome.track_id}/{outcome.revision}"
    return printable(f"{what} in {outcome.seconds:.1f} s")


def summary(outcomes: Sequence[Outcome]) -> str:
    """The last line: how many ended how."""
    counts = [
        f"{count} {status}"
        for status in Status
        if (count := sum(one.status is status for one in outcomes))
    ]
    return ", ".join(counts)


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


class LiveReporter:
    """A bar for each running track under one for all of them, with what is left of the time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            refresh_per_second=8,
        )
        self._eta = TimeRemainingColumn(compact=True)
        self._rows: dict[Path, TaskID] = {}
        self._parts: dict[Path, float] = {}
        self._sum: TaskID | None = None

    def begin(self, sources: Sequence[Path]) -> None:
        """Show the bars."""
        self._parts = dict.fromkeys(sources, 0.0)
        self._bars.start()
        self._sum = self._bars.add_task("[bold]total[/]", total=len(sources), note="")

    def progress(self, event: Progress) -> None:
        """Move a track's bar and the one of all."""
        title = escape(printable(event.title or shown(Path(event.source.name))))[:40]
        if event.source not in self._rows:
            self._rows[event.source] = self._bars.add_task(title, total=1.0, note="")
        row = self._rows[event.source]
        self._bars.update(row, description=title, completed=event.overall, note=event.stage)
        self._advance(event.source, event.overall)

    def warn(self, source: Path, text: str) -> None:
        """Write it above the bars."""
        self._write(f"[yellow]![/] {escape(printable(f'{shown(source)}: {text}'))}")

    def done(self, outcome: Outcome) -> None:
        """Write how it ended above the bars, and take its bar away."""
        row = self._rows.pop(outcome.source, None)
        if row is not None:
            self._bars.remove_task(row)
        self._advance(outcome.source, 1.0)
        self._write(f"{_MARKS[outcome.status]} {escape(describe(outcome))}")

    def end(self) -> None:
        """Take the bars away."""
        self._bars.stop()

    def _advance(self, source: Path, part: float) -> None:
        self._parts[source] = part
        if self._sum is not None:
            done = sum(self._parts.values())
            ended = sum(one >= 1 for one in self._parts.values())
            task = next(one for one in self._bars.tasks if one.id == self._sum)
            left = self._eta.render(task).plain
            note = f"{ended}/{len(self._parts)}  {left}"
            self._bars.update(self._sum, completed=done, note=note)

    def _write(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True)


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


def as_json(outcome: Outcome) -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "track_id": outcome.track_id,
        "revision": outcome.revision,
        "status": outcome.status.value,
        "title": outcome.title,
        "duration_s": outcome.duration_s,
        "renditions": [
            {
                "name": one.name,
                "codec": one.codec,
                "bitrate": one.average_bps,
                "tier": one.tier,
                "sample_rate": one.sample_rate_hz,
                "channels": one.channels,
                "bit_depth": one.bit_depth,
                "bytes": one.size,
            }
            for one in outcome.renditions
        ],
        "hls": outcome.hls,
        "dash": outcome.dash,
        "seconds": outcome.seconds,
        "error": outcome.error,
        "source": shown(outcome.source),
    }

"""Bars on a terminal, one for each running track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from pipeline.cli.outcomes import describe
from pipeline.cli.output import printable
from pipeline.errors import shown
from pipeline.progress import Outcome, Progress, Status

_MARKS = {
    Status.PUBLISHED: "[green]✓[/]",
    Status.RESTORED: "[green]↩[/]",
    Status.UPDATED: "[green]±[/]",
    Status.UNCHANGED: "[dim]=[/]",
    Status.FAILED: "[red]✗[/]",
    Status.CANCELED: "[red]✗[/]",
}


class LiveReporter:
    """A bar for each running track under one for all of them, with what is left of the time."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[note]}"),
            console=self._console,
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

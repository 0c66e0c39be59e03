"""What people and programs see of a command: results on stdout, errors as one line on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click

from catalog.errors import CatalogError
from configs.errors import ConfigError
from drm.errors import DrmError, SecretUnavailable
from packager.errors import PackagerError
from pipeline.errors import PipelineError
from storage.base import StorageError

FAILED = 1
WRONG_USAGE = 2


class Failure(click.ClickException):
    """A command that ends with one line on stderr: `subject: cause (what to do)`."""

    exit_code = FAILED

    def __init__(self, subject: str, cause: str, remedy: str | None = None) -> None:
        super().__init__(f"{subject}: {cause}" + (f" ({remedy})" if remedy else ""))

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print the line as it is, without click's prefix."""
        click.echo(printable(self.message, keep="\n"), err=True)


class WrongSettings(Failure):
    """Settings that were refused: one line for each problem."""

    exit_code = WRONG_USAGE


# Root of errors -> what the line starts with; the rest is the error's own message.
_SUBJECTS: Mapping[type[Exception], str] = {
    SecretUnavailable: "",
    DrmError: "keys",
    CatalogError: "catalog",
    StorageError: "storage",
    PackagerError: "media",
    PipelineError: "",
}


def failure_of(error: Exception) -> Failure:
    """The line and the exit code for an error that ended a command."""
    if isinstance(error, ConfigError):
        return WrongSettings(*_split(str(error)))
    for root, subject in _SUBJECTS.items():
        if isinstance(error, root):
            return Failure(subject, str(error)) if subject else Failure(*_split(str(error)))
    if isinstance(error, OSError):
        return Failure(str(error.filename or "system"), error.strerror or str(error))
    remedy = "a bug: please report it with what -vv prints"
    return Failure("headwater", f"{type(error).__name__}: {error}", remedy)


def write_json(value: object) -> None:
    """One JSON object on one line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))


def write_fields(fields: Mapping[str, object]) -> None:
    """One `name  value` line for each field that has a value."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        if value is not None:
            click.echo(f"{name:<{width}}  {printable(str(value))}")


def write_table(rows: Iterable[Sequence[str]]) -> None:
    """Rows in columns, each as wide as its longest cell."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def instant(moment: datetime) -> str:
    """An instant as RFC 3339 in UTC: 2026-11-21T08:00:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """A duration as m:ss, rounded to the second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def printable(text: str, keep: str = "") -> str:
    """The text without characters that would steer a terminal: titles come from strangers."""
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode()
        for char in text
    )


def _split(message: str) -> tuple[str, str]:
    subject, _, cause = message.partition(": ")
    return (subject, cause) if cause else ("headwater", subject)

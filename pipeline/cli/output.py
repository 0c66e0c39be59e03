"""What people and programs see of a command: results on stdout, errors as one line on stderr."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click

from catalog.errors import CatalogError, InvalidEdit
from configs.errors import ConfigError
from drm.errors import DrmError, SecretUnavailable
from packager.errors import PackagerError
from pipeline.errors import NoMasters, PipelineError, WrongRequest
from storage.base import StorageError

FAILED = 1
WRONG_USAGE = 2


class Failure(click.ClickException):
    """A command that ends with a line on stderr, `subject: cause (what to do)`, and code 1."""

    exit_code = FAILED

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(printable, lines)))

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print the message as it is, without click's prefix."""
        click.echo(self.message, err=True)


class WrongUsage(Failure):
    """A command that was asked for wrongly, by its arguments or by settings: code 2."""

    exit_code = WRONG_USAGE


# Root of errors -> exit, and what the line starts with where the message does not say it itself.
# The first that fits counts.
_ERRORS: Sequence[tuple[type[Exception], type[Failure], str]] = (
    (NoMasters, WrongUsage, ""),
    (WrongRequest, WrongUsage, ""),
    (PipelineError, Failure, ""),
    (SecretUnavailable, Failure, ""),
    (DrmError, Failure, "keys: "),
    (InvalidEdit, WrongUsage, ""),
    (CatalogError, Failure, "catalog: "),
    (StorageError, Failure, "storage: "),
    (PackagerError, Failure, "media: "),
)


def failure_of(error: Exception) -> Failure:
    """Make the line and the exit code of an error that ended a command."""
    if isinstance(error, ConfigError):
        return WrongUsage(*error.problems)
    for root, kind, prefix in _ERRORS:
        if isinstance(error, root):
            return kind(f"{prefix}{error}")
    if isinstance(error, OSError):
        return Failure(f"{error.filename or 'system'}: {error.strerror or error}")
    what = f"{type(error).__name__}: {error}"
    return Failure(f"headwater: {what} (a bug: please report it with what -vv prints)")


def write_json(value: object) -> None:
    """Print one JSON object on one line of stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))


def write_fields(fields: Mapping[str, object]) -> None:
    """Print one `name  value` line for each field that has a value."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        if value is not None:
            click.echo(f"{name:<{width}}  {printable(str(value))}")


def write_table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns, each as wide as its longest cell."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def instant(moment: datetime) -> str:
    """Write an instant as RFC 3339 in UTC: 2026-11-21T08:00:00Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """Write a duration as m:ss, rounded to the second."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Escape the characters that would steer a terminal: titles come from strangers."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )

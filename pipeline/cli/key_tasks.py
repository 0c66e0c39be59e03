"""What the commands about keys share: their dependencies, their audit, their files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click

from catalog.engine import Catalog
from drm.audit import Auditor
from drm.errors import SecretUnavailable
from drm.secret_file import read_private
from pipeline.cli.compose import Deps, Invocation, open_catalog, open_deps, operator
from pipeline.cli.lookup import one_track
from pipeline.cli.output import Failure, write_json, write_table

_T = TypeVar("_T")


def run_task(
    invocation: Invocation, command: str, task: Callable[[Deps, Auditor], Awaitable[_T]]
) -> _T:
    """Run a command's work with all that it needs, in a HOME that has a catalog already."""
    settings = invocation.load().settings

    async def run() -> _T:
        async with open_catalog(settings):
            pass  # Failure: nothing is made in the wrong folder
        async with open_deps(settings) as deps:
            return await task(deps, Auditor(deps.audit, operator(), f"headwater keys {command}"))

    return asyncio.run(run())


async def track_id_of(catalog: Catalog, text: str | None) -> str | None:
    """The id of the track that is meant; None for None, which means all."""
    if text is None:
        return None
    async with catalog.connect() as tx:
        return (await one_track(tx, text)).track_id


def read_passphrase(path: Path | None, *, confirm: bool) -> str:
    """The passphrase in a file of the operator's own, or as typed (it is not shown)."""
    if path is not None:
        data = read_private(path, PassphraseUnavailable)
        return data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    text: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text


class PassphraseUnavailable(SecretUnavailable):
    """There is no passphrase in that file, or others can read it."""


def write_new(path: Path, data: bytes) -> None:
    """Write a file that was not there, for its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise Failure(f"{path}: it is there already (name another file)") from None
    except OSError as exc:
        raise Failure(f"{path}: cannot be written: {exc.strerror}") from exc


def say(row: Mapping[str, object], *, as_json: bool) -> None:
    """Show one result."""
    if as_json:
        write_json(row)
    else:
        write_table([[f"{name}: {_word(value)}" for name, value in row.items()]])


def _word(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)

"""What the commands about keys share: which track is meant, passphrases, files, results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from catalog.engine import Catalog
from drm.errors import SecretUnavailable
from drm.secret_file import read_private
from pipeline.cli.lookup import one_track
from pipeline.cli.output import Failure, write_json, write_table


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

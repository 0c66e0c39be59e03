"""PostgreSQL's own programs for backups: they know it best, and every version of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from catalog.backup import Server
from pipeline.errors import PipelineError

_DEBIAN = Path("/usr/lib/postgresql")  # a folder for each version, in nobody's PATH


class ToolFailed(PipelineError):
    """A program is missing, or has failed with these words."""


def dump(server: Server, path: Path) -> None:
    """Write a backup, consistent as of its beginning, while the server is in use.

    `path` must not be there. Raises ToolFailed; then no file is left.
    """
    if path.exists():
        raise ToolFailed(f"{path}: is there already: move it away first")
    part = path.with_name(f"{path.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        _run(server, "pg_dump", "--format=custom", f"--file={part}", f"--dbname={server.uri}")
        os.link(part, path)
    except OSError as exc:
        raise ToolFailed(f"{path}: {(exc.strerror or str(exc)).lower()}") from exc
    finally:
        part.unlink(missing_ok=True)


def restore(server: Server, path: Path) -> None:
    """Fill an empty database from a backup: all of it, or with ToolFailed nothing."""
    how = ("--single-transaction", "--exit-on-error", f"--dbname={server.uri}")
    _run(server, "pg_restore", *how, str(path.absolute()))


def _run(server: Server, program: str, *arguments: str) -> None:
    argv = [_path_of(program), "--no-owner", "--no-privileges", "--no-password", *arguments]
    secret = {} if server.password is None else {"PGPASSWORD": server.password}
    done = subprocess.run(  # noqa: S603 - a program found by name, its arguments are ours
        argv,
        env={**os.environ, **secret},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{program} ended with {done.returncode}"]
        raise ToolFailed(f"{server.place}: {said[0]}")


def _path_of(program: str) -> str:
    """The newest one: an older one refuses a newer server."""
    found = [one for one in _DEBIAN.glob(f"*/bin/{program}") if one.parts[-3].isdigit()]
    if found:
        return str(max(found, key=lambda one: int(one.parts[-3])))
    path = shutil.which(program)
    if path is None:
        msg = f"{program} is not installed: it comes with PostgreSQL (apt-get install "
        raise ToolFailed(msg + "postgresql-client), in the server's version or a newer one")
    return path

"""Files that hold secrets: one JSON object, readable by its owner only.

Creation is atomic and exclusive: of two processes that start together one makes the file and
both read that one. A file that others can read is refused, not repaired: its secrets may
already be known.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from drm.errors import SecretUnavailable

FORMAT = 1
_MAX_BYTES = 1 << 20
_HEX_32_BYTES = re.compile(r"[0-9a-f]{64}")


def read(path: Path, error: type[SecretUnavailable]) -> dict[str, object]:
    """Return the file's JSON object, or raise `error` saying what is wrong and what to do."""
    return parse(path, read_private(path, error), error)


def read_private(path: Path, error: type[SecretUnavailable]) -> bytes:
    """Return what a file holds that nobody but its owner may read."""
    try:
        # One descriptor for check and reading: the file cannot be exchanged in between.
        with path.open("rb") as file:
            _refuse_loose(path, os.fstat(file.fileno()), error)
            return file.read(_MAX_BYTES)
    except FileNotFoundError:
        raise error(path, "no such file", "restore it from a backup") from None
    except OSError as exc:
        raise error(path, f"cannot be read: {exc.strerror}", "check owner and mode") from exc


def parse(place: Path | str, data: bytes, error: type[SecretUnavailable]) -> dict[str, object]:
    """Return the JSON object that a file, or what else holds one, is made of."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise malformed(place, f"not a JSON object with format {FORMAT}", error)
    return value


def create(
    path: Path, make: Callable[[], dict[str, object]], error: type[SecretUnavailable]
) -> None:
    """Write `make()` to the file, mode 0600, unless there is one already."""
    if path.exists():
        return
    _write(path, make(), _link, error)


def replace(path: Path, value: dict[str, object], error: type[SecretUnavailable]) -> None:
    """Put this in place of what the file holds; readers see the old file or the new one, whole."""
    _write(path, value, os.replace, error)


def remove_drafts(path: Path) -> None:
    """Remove what writers that were killed left beside the file; nobody may be writing now."""
    for draft in path.parent.glob(f".{path.name}.{'[0-9a-f]' * 16}"):
        draft.unlink(missing_ok=True)


def secret_bytes(value: object) -> bytes | None:
    """Read 32 bytes from 64 lower-case hex digits; None for anything else."""
    if not isinstance(value, str) or not _HEX_32_BYTES.fullmatch(value):
        return None
    return bytes.fromhex(value)


def malformed(place: Path | str, problem: str, error: type[SecretUnavailable]) -> SecretUnavailable:
    """Make the error of something that is there and cannot be understood."""
    return error(place, problem, "restore it from a backup")


def _refuse_loose(path: Path, status: os.stat_result, error: type[SecretUnavailable]) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise error(
            path, f"others than its owner have access (mode {mode:04o})", f"chmod 600 {path}"
        )


def _write(
    path: Path,
    value: dict[str, object],
    place: Callable[[Path, Path], None],
    error: type[SecretUnavailable],
) -> None:
    text = json.dumps({"format": FORMAT, **value}, indent=2) + "\n"
    # Named apart per process; put into place whole, so nobody reads half a file.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            place(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as exc:
        raise error(path, f"cannot be written: {exc.strerror}", "check its folder") from exc


def _link(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return  # another process was first: its secrets are the ones that count


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

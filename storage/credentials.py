"""The credentials of a bucket, from a file that nobody but its owner may read.

The file is written as AWS tools write theirs:

    [default]
    aws_access_key_id = ...
    aws_secret_access_key = ...
    aws_session_token = ...       (only where there is one)
"""

from __future__ import annotations

import os
import stat
from configparser import ConfigParser, Error
from pathlib import Path

from storage.base import StorageError
from storage.s3_place import Credentials

_SECTION = "default"


def read_credentials(path: Path) -> Credentials:
    """Read them. StorageError (no text of the file in it) saying what is wrong and what to do."""
    parser = ConfigParser(interpolation=None)  # a "%" in a secret is one
    try:
        parser.read_string(_private_text(path))
        section = parser[_SECTION] if parser.has_section(_SECTION) else {}
    except (Error, UnicodeDecodeError):
        # Not the cause: its text repeats the line.
        raise _unusable(path, "is not a file of credentials", _REMEDY) from None
    access_key = section.get("aws_access_key_id", "")
    secret_key = section.get("aws_secret_access_key", "")
    if not access_key or not secret_key:
        raise _unusable(path, "holds no credentials", _REMEDY)
    return Credentials(access_key, secret_key, section.get("aws_session_token") or None)


_REMEDY = "write aws_access_key_id and aws_secret_access_key under [default]"


def _private_text(path: Path) -> str:
    try:
        # One descriptor for check and reading: the file cannot be exchanged in between.
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                problem = f"others than its owner have access (mode {mode:04o})"
                raise _unusable(path, problem, f"chmod 600 {path}")
            return file.read()
    except OSError as exc:
        cause = (exc.strerror or str(exc)).lower()
        raise _unusable(path, f"cannot be read: {cause}", "see storage.credentials_file") from exc


def _unusable(path: Path, problem: str, remedy: str) -> StorageError:
    return StorageError(f"{path}: {problem} ({remedy})", transient=False)

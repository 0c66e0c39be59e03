"""What can go wrong between a master and its publication.

One class per reaction: a bad master fails its own track and the batch goes on; a missing tool
fails the whole batch at once. `str(error)` is the one line an operator reads:
`path: cause (what to do)`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def shown(path: Path) -> str:
    """A path as text that any terminal, database and JSON takes: what is no UTF-8 is replaced."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return text.replace("s3:/", "s3://", 1) if text.startswith("s3:/") else text


class PipelineError(Exception):
    """Root of the pipeline's errors."""

    transient = False  # can the same work succeed when tried again?


class BadMaster(PipelineError):
    """The file is not a master that can be published."""

    def __init__(self, path: Path, cause: str, remedy: str = "") -> None:
        self.path = path
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"{shown(path)}: {cause}" + (f" ({remedy})" if remedy else ""))


class NoMasters(PipelineError):
    """A path names nothing that could be ingested: wrong usage."""


class WrongRequest(PipelineError):
    """What was asked for cannot be done as it was asked for: wrong usage."""


class BrokerUnavailable(PipelineError):
    """The broker that tells workers of jobs cannot be reached."""

    transient = True


class BadInput(PipelineError):
    """An encoded file that cannot be packaged."""

    def __init__(self, path: Path, cause: str) -> None:
        self.path = path
        self.cause = cause
        super().__init__(f"{path}: {cause}")


class ToolMissing(PipelineError):
    """A program that the pipeline needs is not there, or is too old."""


class EncoderFailed(PipelineError):
    """ffmpeg or ffprobe ended with an error, or was ended at its deadline."""

    transient = True

    def __init__(
        self, argv: Sequence[str], returncode: int | None, stderr_tail: str, cause: str
    ) -> None:
        self.argv = tuple(argv)
        self.returncode = returncode  # None: it did not start, or was killed at the deadline
        self.stderr_tail = stderr_tail
        self.cause = cause
        super().__init__(cause)


class EncoderStuck(EncoderFailed):
    """ffmpeg or ffprobe was ended: at its deadline, or because it did not get on."""

"""What can go wrong with media bytes."""

from __future__ import annotations


class PackagerError(Exception):
    """Root of the packager's errors."""


class MalformedMedia(PackagerError):
    """The bytes break the format's own rules: nothing in them can be trusted."""

    def __init__(self, problem: str, *, path: str = "", offset: int | None = None) -> None:
        self.problem = problem
        self.path = path  # where in the box tree: "moov/trak/mdia"
        self.offset = offset  # bytes from the start of the file
        where = f"{path}: " if path else ""
        at = f" (at byte {offset})" if offset is not None else ""
        super().__init__(f"{where}{problem}{at}")


class UnsupportedMedia(PackagerError):
    """Well-formed, but not something that can be packaged (a video, an unknown codec)."""

"""What can go wrong with the catalog. Errors of the database become these at `engine`'s border."""

from __future__ import annotations


class CatalogError(Exception):
    """Root of the catalog's errors; `transient` says whether trying again can help."""

    transient = False


class NotFound(CatalogError):
    """The catalog has no such row."""

    def __init__(self, what: str, id: str) -> None:  # noqa: A002 - the word that callers read
        self.what = what  # "track", "revision", "release", "job"
        self.id = id
        super().__init__(f"there is no {what} {id}")


class InvalidEdit(CatalogError):
    """That field of a track cannot be edited, or not to that value."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        self.problem = problem
        super().__init__(f"{field}: {problem}")


class CatalogUnavailable(CatalogError):
    """The database cannot be used now: locked for too long, disk full, unreadable."""

    transient = True


class CatalogConflict(CatalogUnavailable):
    """The database ended the transaction for another one's sake: nothing of it was kept."""


class CatalogMismatch(CatalogError):
    """The database is not a catalog, or was made by another version of this program."""


class Fenced(CatalogError):
    """The job is no longer this worker's: it was taken from it, canceled, or is over."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} was taken from this worker")


class WrongState(CatalogError):
    """That cannot be done with a job in its state."""

    def __init__(self, job_id: str, problem: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} {problem}")


class MadeAlready(CatalogError):
    """The same was made of the same master meanwhile, and published."""

    def __init__(self, track_id: str, revision: str) -> None:
        self.track_id = track_id
        self.revision = revision
        super().__init__(f"revision {revision} of track {track_id} was made of the same master")

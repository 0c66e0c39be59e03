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


class CatalogMismatch(CatalogError):
    """The database is not a catalog, or was made by another version of this program."""

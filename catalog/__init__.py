"""What we know: artists, releases, tracks, their revisions and renditions, wrapped keys, jobs.

What it does
    Keeps it all in SQL, in an SQLite file or on PostgreSQL, under migrations
    that `Catalog.open` applies by itself. Publishes a revision in one transaction that flips the
    track's current revision last; takes tracks down, embargoes, rolls back, edits. Answers with
    the frozen values of `records`. Any number of processes may open the same catalog.

What it never does
    Touch media or objects: it knows their keys, `storage` has the bytes. Unwrap a key or judge a
    right: it stores plain strings and bytes, `drm` gives them meaning. Read the clock: instants
    are passed in. Let a caller see SQLAlchemy: a transaction is a `Tx`, errors are CatalogError.

Where to start
    `records.py` is what goes in and out, `schema.py` the tables. `engine.Catalog` opens, and its
    `begin()` and `connect()` give the `Tx` that all functions run in; `sqlite` and `postgresql`
    are what differs, `locks` keeps apart what must not happen side by side. `publish.py` writes
    (its docstring has the rules); `tracks`, `releases`, `keys` and `jobs` read, one aggregate each.
"""

from __future__ import annotations

from catalog.engine import Catalog, Tx
from catalog.errors import (
    CatalogError,
    CatalogMismatch,
    CatalogUnavailable,
    InvalidEdit,
    NotFound,
)

__all__ = [
    "Catalog",
    "CatalogError",
    "CatalogMismatch",
    "CatalogUnavailable",
    "InvalidEdit",
    "NotFound",
    "Tx",
]

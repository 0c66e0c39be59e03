"""Which schema a database has. Without Alembic, which takes longer to import than to ask."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, String, column, inspect, select, table

from catalog.errors import CatalogMismatch

TABLE = "alembic_version"
_VERSION = select(column("version_num", String)).select_from(table(TABLE))


def known_versions() -> tuple[str, ...]:
    """The versions that migrations lead to, in their order: a file is `0001_what.py`."""
    names = (one.name for one in files("catalog.migrations.versions").iterdir())
    return tuple(sorted(name[:4] for name in names if name[:4].isdigit()))


def version_of(connection: Connection) -> str | None:
    """Read the version; None for an empty database. CatalogMismatch if it is newer or foreign."""
    inspector = inspect(connection)
    found = None
    if inspector.has_table(TABLE):
        found = connection.execute(_VERSION).scalar_one_or_none()
    if found is None:
        if tables := set(inspector.get_table_names()) - {TABLE}:
            some = ", ".join(sorted(tables)[:5])
            msg = f"the database holds tables that are not a catalog's: {some}"
            raise CatalogMismatch(msg)
    elif found not in known_versions():
        msg = f"the catalog was made by a newer Headwater (schema {found}): update this one"
        raise CatalogMismatch(msg)
    return found


def is_current(connection: Connection) -> bool:
    """Tell whether the schema is this program's. Errors of `version_of`."""
    return version_of(connection) == known_versions()[-1]

"""Bringing a database to the schema of this program, and refusing what is not ours."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from catalog.errors import CatalogMismatch

# An arbitrary number, the same in every process: PostgreSQL lets one holder in at a time.
_MIGRATION_LOCK = 0x48454144


def is_current(connection: Connection) -> bool:
    """Tell whether the schema is this program's; CatalogMismatch if it is newer or foreign."""
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    if found is None:
        if tables := inspect(connection).get_table_names():
            msg = f"the database holds tables that are not a catalog's: {', '.join(tables[:5])}"
            raise CatalogMismatch(msg)
    elif found not in {script.revision for script in scripts.walk_revisions()}:
        msg = f"the catalog was made by a newer Headwater (schema {found}): update this one"
        raise CatalogMismatch(msg)
    return found == scripts.get_current_head()


def upgrade(connection: Connection) -> None:
    """Apply what is missing, inside the connection's transaction.

    The transaction must keep other writers out: on SQLite it does, having begun IMMEDIATE.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    if is_current(connection):  # another process was faster
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    return config

"""Bringing a database to the schema of this program. Imported only where there is something to do.

A migration holds on SQLite and on PostgreSQL, and all that are missing are one transaction.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from catalog.schema_version import is_current

# An arbitrary number, the same in every process: PostgreSQL lets one holder in at a time.
_MIGRATION_LOCK = 0x48454144


def upgrade(connection: Connection) -> None:
    """Apply what is missing, inside the connection's transaction.

    The transaction must keep other writers out: on SQLite it does, having begun IMMEDIATE.
    """
    if connection.dialect.name == "postgresql":
        # A large table takes its time, and so does another process that migrates.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    if is_current(connection):  # another process was faster
        return
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

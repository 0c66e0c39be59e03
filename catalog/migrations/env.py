"""Alembic's entry: run the migrations on the connection and transaction that `migrate` passes."""

from __future__ import annotations

from alembic import context

from catalog.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can: all migrations are one transaction, or none of them
)
with context.begin_transaction():
    context.run_migrations()

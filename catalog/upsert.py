"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table

from catalog.database import Tx


async def upsert(
    tx: Tx, table: Table, values: Mapping[str, Any], *, keys: Sequence[str], update: Sequence[str]
) -> None:
    """Insert a row; where one with the same `keys` is, set these columns of it instead.

    With nothing to update the existing row stays as it is.
    """
    await upsert_all(tx, table, [values], keys=keys, update=update)


async def upsert_all(
    tx: Tx,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Sequence[str],
    update: Sequence[str] = (),
    add: Sequence[str] = (),
) -> None:
    """Do the same for several rows, in their order; the numbers in `add` are added up."""
    statement = _insert(tx.dialect.name, table).values([dict(one) for one in rows])
    if update or add:
        changes = {name: statement.excluded[name] for name in update}
        changes |= {name: table.c[name] + statement.excluded[name] for name in add}
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))
    else:
        await tx.execute(statement.on_conflict_do_nothing(index_elements=keys))


def _insert(dialect: str, table: Table) -> Any:
    """Only the module of the database in use: PostgreSQL's takes a tenth of a second to load."""
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - as above

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - as above

    return sqlite.insert(table)

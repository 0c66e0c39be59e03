"""How stored keys are wrapped: what a rotation of the KEK looks for, and exchanges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, Table, bindparam, tuple_, update

from catalog.engine import Tx
from catalog.records import WrappedKeyRecord

WRAPPING = ("kek_id", "kek_version", "nonce", "wrapped")
Change = tuple[WrappedKeyRecord, WrappedKeyRecord]  # as it was read, and as it is to be


def is_under(table: Table, kek_id: str, version: int) -> ColumnElement[bool]:
    """Whether that version of a KEK wraps a row's key."""
    return tuple_(table.c.kek_id, table.c.kek_version) == tuple_(kek_id, version)


async def replace(tx: Tx, table: Table, named: Mapping[str, str], changes: Iterable[Change]) -> int:
    """Exchange how keys are wrapped, each only where it still is as it was read.

    `named` are the columns that name a key, each with the record's field. Returns how many were
    exchanged; the others have been changed by somebody else since.
    """
    columns = {**named, **{name: name for name in WRAPPING}}
    query = update(table).values({name: bindparam(f"new_{name}") for name in WRAPPING})
    for column in columns:
        query = query.where(table.c[column] == bindparam(f"was_{column}"))
    rows = [
        {f"was_{column}": getattr(was, field) for column, field in columns.items()}
        | {f"new_{name}": getattr(new, name) for name in WRAPPING}
        for was, new in changes
    ]
    return (await tx.execute(query, rows)).rowcount if rows else 0

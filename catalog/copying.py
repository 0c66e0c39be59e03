"""A whole catalog into another database: one transaction, and every row compared before it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Column, Row, String, Table, func, insert, select, text, tuple_

from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from catalog.locks import unhurried
from catalog.schema import metadata

_BATCH = 500  # rows; four columns of a key in each are far below any limit of parameters

_MEANING = text(
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conname = :name AND conrelid = CAST(:table AS regclass)"
)

Progress = Callable[[str, str, int], None]  # what is done, the table, rows so far
Rows = Sequence[Row[Any]]


async def copy(source: Catalog, target: Catalog, on_rows: Progress) -> dict[str, int]:
    """Copy all rows and compare them; return how many there are of each table.

    CatalogError where the target is not empty, cannot keep a value or gave back another one: then
    nothing was written. Both have this program's schema, for it is what both were opened with.
    """
    async with source.connect(fresh=True) as old, target.begin() as new:
        await unhurried(old)
        await unhurried(new)
        await _require_empty(new)
        circles = await _open_circles(new)
        for table in metadata.sorted_tables:
            await _fill(old, new, table, on_rows)
        await _close_circles(new, circles)
        await _continue_numbers(new)
        counts = {
            table.name: await _compare(old, new, table, on_rows) for table in metadata.sorted_tables
        }
        if new.dialect.name == "postgresql":  # SQLite, which counts no single values, plans worse
            await new.execute(text("ANALYZE"))
    return counts


async def _require_empty(new: Tx) -> None:
    if new.dialect.name == "postgresql":  # nobody else begins to fill it meanwhile
        names = ", ".join(table.name for table in metadata.sorted_tables)
        await new.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in metadata.sorted_tables:
        if (await new.execute(select(table).limit(1))).first() is not None:
            raise CatalogError(f"the target is not empty: it has {table.name} already")


async def _fill(old: Tx, new: Tx, table: Table, on_rows: Progress) -> None:
    count = 0
    async with _batches(old, table) as batches:
        async for rows in batches:
            try:
                await new.execute(insert(table), [row._asdict() for row in rows])
            except Exception as exc:
                if problem := _unfit(table, rows):
                    raise CatalogError(problem) from exc
                raise
            count += len(rows)
            on_rows("copied", table.name, count)


async def _compare(old: Tx, new: Tx, table: Table, on_rows: Progress) -> int:
    """Read both sides again; CatalogError for the first row that differs."""
    key = tuple_(*table.primary_key)
    count = 0
    async with _batches(old, table) as batches:
        async for rows in batches:
            wanted = {_key_of(table, row): tuple(row) for row in rows}
            found = await new.execute(select(table).where(key.in_(list(wanted))))
            there = {_key_of(table, row): tuple(row) for row in found}
            for name, row in wanted.items():
                if there.get(name) != row:
                    raise CatalogError(f"{table.name} {_shown(name)}: is not the same in the copy")
            count += len(rows)
            on_rows("compared", table.name, count)
    all_rows = (await new.execute(select(func.count()).select_from(table))).scalar_one()
    if all_rows != count:
        raise CatalogError(f"{table.name}: {all_rows} rows in the copy, {count} in the original")
    return count


@asynccontextmanager
async def _batches(tx: Tx, table: Table) -> AsyncIterator[AsyncIterator[Rows]]:
    found = await tx.stream(select(table).order_by(*table.primary_key))
    try:
        yield found.partitions(_BATCH)
    finally:
        await found.close()


async def _open_circles(new: Tx) -> list[str]:
    """Allow tables that refer to each other to be filled one by one; return how to forbid it."""
    if new.dialect.name == "sqlite":
        await new.execute(text("PRAGMA defer_foreign_keys = ON"))  # until the transaction ends
        return []
    circles = []
    for table in metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            if constraint.use_alter:
                which = {"name": constraint.name, "table": table.name}
                meaning = (await new.execute(_MEANING, which)).scalar_one()
                alter = f"ALTER TABLE {table.name}"
                await new.execute(text(f"{alter} DROP CONSTRAINT {constraint.name}"))
                circles.append(f"{alter} ADD CONSTRAINT {constraint.name} {meaning}")
    return circles


async def _close_circles(new: Tx, circles: Sequence[str]) -> None:
    for statement in circles:  # which checks every row
        await new.execute(text(statement))


async def _continue_numbers(new: Tx) -> None:
    """Let PostgreSQL number new rows after those that came with a number."""
    if new.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            last = select(func.coalesce(func.max(column), 0)).scalar_subquery()
            await new.execute(select(func.setval(sequence, last + 1, False)))


def _key_of(table: Table, row: Row[Any]) -> tuple[object, ...]:
    return tuple(row._mapping[column] for column in table.primary_key)  # noqa: SLF001 - SQLAlchemy's public name for it


def _unfit(table: Table, rows: Rows) -> str | None:
    """Name the first value that PostgreSQL cannot keep, and SQLite could."""
    for row in rows:
        for column in table.columns:
            value = row._mapping[column]  # noqa: SLF001 - see above
            if isinstance(value, str) and (problem := _problem(column, value)):
                return f"{table.name} {_shown(_key_of(table, row))}: {column.name} {problem}"
    return None


def _problem(column: Column[Any], value: str) -> str | None:
    limit = column.type.length if isinstance(column.type, String) else None
    if "\0" in value:
        return "holds a NUL character, which PostgreSQL cannot keep"
    if limit is not None and len(value) > limit:
        return f"has {len(value)} characters, more than {limit}"
    return None


def _shown(key: tuple[object, ...]) -> str:
    return "/".join(one.hex() if isinstance(one, bytes) else str(one) for one in key)

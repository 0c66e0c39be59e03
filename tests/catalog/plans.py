"""What both databases say of how they would do a statement."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Delete, Select, Update, event

from catalog.engine import Catalog

# Where everything is read there is nothing to find, and these stay small in any catalog.
SMALL = frozenset({"keks", "audit_chains", "alembic_version", "changes"})


Statements = dict[str, Any]  # with the first parameters that each was run with

_seen: set[tuple[str, str]] = set()  # what has been looked at in this session


@contextmanager
def heard(catalog: Catalog) -> Iterator[Statements]:
    """Keep what is asked: not what a test writes as text, which is its own business."""
    statements: Statements = {}

    def keep(
        _connection: object,
        _cursor: object,
        statement: str,
        parameters: Any,
        context: Any,
        many: bool,  # noqa: FBT001 - SQLAlchemy's signature
    ) -> None:
        asked = getattr(context.compiled, "statement", None)
        if isinstance(asked, (Select, CompoundSelect, Update, Delete)):
            statements.setdefault(statement, parameters[0] if many else parameters)

    engine = catalog._primary._engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    yield statements
    event.remove(engine, "before_cursor_execute", keep)


@contextmanager
def counted(catalog: Catalog) -> Iterator[list[str]]:
    """Every statement that is run, as often as it is: BEGIN, too, where we have to say it."""
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = catalog._primary._engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    yield statements
    event.remove(engine, "before_cursor_execute", keep)


def forgive(*statements: str) -> None:
    """Look at these no more: they are wrong on purpose."""
    _seen.update((dialect, one) for dialect in ("sqlite", "postgresql") for one in statements)


async def require_indexes(catalog: Catalog, statements: Statements) -> None:
    """Fail for the first statement that would have to read a table from its first row to its last.

    Each is looked at once in a session.
    """
    async with catalog.begin() as tx:
        for statement, parameters in statements.items():
            if (tx.dialect.name, statement) not in _seen:
                _seen.add((tx.dialect.name, statement))
                found = await tx.run_sync(unindexed, statement, parameters)
                assert not found, f"{tx.dialect.name} reads all of {found} for: {statement}"


def unindexed(connection: Connection, statement: str, parameters: Any) -> set[str]:
    """The tables of which the database would have to read every row.

    PostgreSQL is told not to, and says so where it must all the same.
    """
    if connection.dialect.name == "sqlite":
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        scanned, made = (
            {one[1] for row in steps if (one := re.fullmatch(pattern, row.detail))}
            for pattern in (r"SCAN (\w+)", r"(?:CO-ROUTINE|MATERIALIZE) (\w+)")
        )
        return scanned - made - SMALL
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    found_plan = plan.scalar_one()
    nodes = _nodes(json.loads(found_plan) if isinstance(found_plan, str) else found_plan)
    names = {str(one["Relation Name"]) for one in nodes if one["Node Type"] == "Seq Scan"}
    return {name for name in names - SMALL if not name.startswith("pg_")}


def sorts(connection: Connection, statement: str, parameters: Any) -> bool:
    """Whether rows would have to be sorted that are not in the order of an index."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return any(row.detail == "USE TEMP B-TREE FOR ORDER BY" for row in rows)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL enable_sort = off")
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    return any(one["Node Type"] == "Sort" for one in _nodes(plan))


def pages(connection: Connection, statement: str, parameters: Any) -> int:
    """How many pages of tables and indexes PostgreSQL looks at for it."""
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
    ((found,),) = connection.exec_driver_sql(explain, parameters).scalars().all()
    plan = found["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _nodes(plan: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(plan, list):
        for one in plan:
            yield from _nodes(one)
    elif "Plan" in plan:
        yield from _nodes(plan["Plan"])
    else:
        yield plan
        yield from _nodes(plan.get("Plans", []))

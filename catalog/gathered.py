"""The rows of a subquery in one value, so that what hangs on a row comes with it.

A statement costs a way to the database and back, which is most of what a look-up costs.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class gathered(FunctionElement[Any]):  # noqa: N801 - a function of SQL
    """An array of arrays, of each row the given columns; in no order. Of no rows null, or empty."""

    type = JSON()
    inherit_cache = True


@compiles(gathered, "sqlite")
def _on_sqlite(element: gathered, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(gathered, "postgresql")
def _on_postgresql(element: gathered, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **options)}))"

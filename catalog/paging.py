"""Lists by cursor: a page goes on after the last item of the one before, wherever that is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, select, tuple_

from catalog.engine import Tx
from catalog.errors import NotFound


async def page_of(
    tx: Tx,
    query: Select[Any],
    order: Sequence[ColumnElement[Any]],
    *,
    identity: Column[Any],
    after: str | int | None,
    limit: int,
    offset: int = 0,
) -> Select[Any]:
    """Make a list a page: `limit` rows after the item of that id, or from the start.

    `order` is of columns of the identity's table and makes each row's place its own. An `offset`
    is counted from there, row by row. NotFound where there is no such item.
    """
    if after is not None:
        last = (await tx.execute(select(*order).where(identity == after))).one_or_none()
        if last is None:
            raise NotFound(identity.table.name.removesuffix("s"), str(after))
        # As one comparison of rows: only that begins in the middle of an index.
        query = query.where(tuple_(*order) > tuple_(*last))
    return query.order_by(*order).offset(offset or None).limit(limit)

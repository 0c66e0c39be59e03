"""Lists in pages: what `after`, `offset` and `limit` of a request come to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from catalog.engine import Tx
from origin.api.catalog_models import PageQuery
from origin.state import OriginState

Id = TypeVar("Id")
Id_contra = TypeVar("Id_contra", contravariant=True)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reader(Protocol[Id_contra, T_co]):
    """A list of the catalog, of what listeners may have at that instant."""

    def __call__(
        self, tx: Tx, *, after: Id_contra | None, limit: int, offset: int, now: datetime
    ) -> Awaitable[tuple[T_co, ...]]:
        """Read the `limit` items that follow `after` and `offset` more."""
        ...


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page."""

    items: tuple[T, ...]
    last: T | None  # whose id is `after` of the following page; None: there is none
    total: int | None  # of all pages, where it was asked for


async def listed(
    state: OriginState,
    asked: PageQuery[Id],
    name: str,
    read: Reader[Id, T],
    count: Callable[[Tx, datetime], Awaitable[int]],
) -> Listed[T]:
    """Read the page that is asked for; the total is remembered by that name."""
    now = datetime.now(UTC)
    async with state.deps.catalog.glance() as tx:
        page = await read(
            tx, after=asked.after, offset=asked.offset or 0, limit=asked.limit, now=now
        )
    total = None
    if asked.offset is not None:
        total = await state.remembered.total(name, lambda tx: count(tx, now))
    return Listed(page, page[-1] if len(page) == asked.limit else None, total)

"""What has changed lately, in the order in which it was written: for whoever remembers things.

Each track, release and artist that looks different to listeners is noted in the transaction that
changes it. Numbers grow, but what is written side by side is seen in any order, and one of a
transaction that was rolled back is never seen: `Reader` says up to which nothing can be missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import delete, func, insert, or_, select

from catalog.engine import Tx
from catalog.schema import changes

KEPT = 10_000  # changes
_PRUNED_EVERY = 500
_MISSING_S = 300.0  # a number that has not been seen for so long belongs to nothing


async def note(tx: Tx, items: Iterable[str]) -> None:
    """Note that these items (ids of tracks and releases, numbers of artists) have changed."""
    rows = [{"item_id": one} for one in sorted(set(items))]
    if not rows:
        return
    await tx.execute(insert(changes), rows)
    last = await newest(tx)
    if last % _PRUNED_EVERY < len(rows):
        await tx.execute(delete(changes).where(changes.c.number < last - KEPT))


async def newest(tx: Tx) -> int:
    """The number of the last change that is seen here; 0 where there is none."""
    return (await tx.execute(select(func.max(changes.c.number)))).scalar_one() or 0


class Reader:
    """Reads what has changed since it last did. For one task at a time."""

    def __init__(self) -> None:
        self.known = 0  # all changes up to here have been read
        self.changed: dict[str, int] = {}  # item: the last of its changes, of the last 10,000
        self.floor = -1  # changes up to here are not in `changed`; -1: nothing was read yet
        self._top = 0
        self._missing: dict[int, float] = {}  # number: until when it may come

    async def read(self, tx: Tx) -> frozenset[str]:
        """Read on; return what has changed."""
        if await self._is_behind(tx):
            self.floor = -1
        query = select(changes.c.number, changes.c.item_id).order_by(changes.c.number)
        if self.floor >= 0:
            after = changes.c.number > self._top
            query = query.where(or_(after, changes.c.number.in_(self._missing)))
        rows = (await tx.execute(query)).all()
        if self.floor < 0:
            self.changed, self._missing = {}, {}
            self._top = rows[0].number - 1 if rows else 0
        until = time.monotonic() + _MISSING_S
        for number, item in rows:
            self._missing.pop(number, None)
            self._missing |= dict.fromkeys(range(self._top + 1, number), until)
            self._top = max(self._top, number)
            self.changed[item] = max(number, self.changed.get(item, 0))
        self._settle()
        if self.floor < 0:
            self.floor = self.known
        return frozenset(row.item_id for row in rows)

    async def _is_behind(self, tx: Tx) -> bool:
        """Whether what comes next has been pruned before it was read."""
        first = (await tx.execute(select(func.min(changes.c.number)))).scalar_one()
        return first is not None and first > self._top + 1

    def is_current(self, item: str, known: int) -> bool:
        """Whether an item that was read when `known` was so has not changed since, that we know."""
        return known >= self.floor and self.changed.get(item, 0) <= known

    def _settle(self) -> None:
        now = time.monotonic()
        self._missing = {one: until for one, until in self._missing.items() if until > now}
        self.known = min(self._missing, default=self._top + 1) - 1
        if len(self.changed) > 2 * KEPT:
            oldest = sorted(self.changed.values())[KEPT]
            self.changed = {item: at for item, at in self.changed.items() if at > oldest}
            self.floor = max(self.floor, oldest)

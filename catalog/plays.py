"""How often songs were begun, by day: what `headwater popularity count` makes popularity of.

Of nobody in particular: a day, a track, a number. Days are counted since 1970, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select, tuple_

from catalog.engine import Tx
from catalog.schema import plays
from catalog.upsert import upsert_all

KEPT_DAYS = 100
MOST_AT_ONCE = 500  # rows in one transaction
_FORGOTTEN_AT_ONCE = 1000  # more than are added

_EPOCH = date(1970, 1, 1)
_PLACE = (plays.c.day, plays.c.track_id)


class Played(NamedTuple):
    """How often a track was begun on a day."""

    day: int
    track_id: str
    plays: int


def day_of(moment: datetime) -> int:
    """The number of an instant's day."""
    return (moment.astimezone(UTC).date() - _EPOCH) // timedelta(days=1)


async def add(tx: Tx, played: Sequence[Played], today: int) -> None:
    """Add at most `MOST_AT_ONCE` to what was counted; some of what is too old is forgotten."""
    # In one order everywhere: another worker that adds to the same rows waits, not we for each
    # other.
    rows = [one._asdict() for one in sorted(played)]
    await upsert_all(tx, plays, rows, keys=["day", "track_id"], add=["plays"])
    is_old = plays.c.day <= today - KEPT_DAYS
    query = select(*_PLACE).where(is_old).order_by(*_PLACE).offset(_FORGOTTEN_AT_ONCE).limit(1)
    kept = (await tx.execute(query)).one_or_none()
    some = is_old if kept is None else tuple_(*_PLACE) < tuple_(*kept)
    await tx.execute(delete(plays).where(some))


async def page(tx: Tx, since: int, after: Played | None, limit: int) -> tuple[Played, ...]:
    """Read what was counted from that day on, by day and track, from the one after that."""
    place = (since, "") if after is None else (after.day, after.track_id)
    query = select(*_PLACE, plays.c.plays).where(tuple_(*_PLACE) > tuple_(*place))
    return tuple(Played(*row) for row in await tx.execute(query.order_by(*_PLACE).limit(limit)))

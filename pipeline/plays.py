"""How popular tracks are, by how often their songs were begun: the origin counts, day by day.

Older plays count for less: half, after each half-life.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from catalog import plays, popularity
from catalog.batches import batches
from catalog.engine import Catalog
from catalog.plays import Played

_PAGE = 5000  # rows


async def counted(
    catalog: Catalog, now: datetime, days: int, half_life_days: float
) -> dict[str, int]:
    """Count the plays of each track in so many days: at least 1, those of today whole."""
    scores: defaultdict[str, float] = defaultdict(float)
    today = plays.day_of(now)
    last: Played | None = None
    while True:
        async with catalog.connect() as tx:
            page = await plays.page(tx, today - days + 1, last, _PAGE)
        for one in page:
            age_days = max(today - one.day, 0)
            scores[one.track_id] += one.plays * 0.5 ** (age_days / half_life_days)
        if len(page) < _PAGE:
            return {track_id: math.ceil(score) for track_id, score in scores.items()}
        last = page[-1]


async def put(catalog: Catalog, numbers: Mapping[str, int]) -> None:
    """Make these the tracks' popularity, some at a time, so that publishers do not wait."""
    for some in batches(sorted(numbers), popularity.MOST_AT_ONCE):
        chosen = {one: numbers[one] for one in some}
        await catalog.transact(partial(popularity.put, plays=chosen))

"""How often tracks are played, by what the audit says of keys that were given out.

A token that was given a track's key has played it, once a day however often it asked. Older plays
count for less: half, after each half-life. Tracks that are not encrypted are in no audit, and
neither is what a CDN or a player does with a key that it has already.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from catalog import audit, keys, popularity
from catalog.audit import AuditFilter
from catalog.batches import batches
from catalog.engine import Catalog
from catalog.records import AuditRecord
from drm.audit import AuditEvent

_PAGE = 500  # rows of the audit
_DAY = timedelta(days=1)
_GIVEN = frozenset({AuditEvent.LICENSE.value, AuditEvent.KEY.value})


async def counted(
    catalog: Catalog, now: datetime, span: timedelta, half_life: timedelta
) -> dict[str, int]:
    """Count the plays of each track in that span: at least 1, those of today whole."""
    scores: defaultdict[str, float] = defaultdict(float)
    since_us = round((now - span).timestamp() * 1e6)
    wanted = AuditFilter(since_us=since_us)
    today, seen = -1, set[tuple[str, str]]()
    last: AuditRecord | None = None
    while True:
        async with catalog.connect() as tx:
            page = await audit.page(tx, wanted, last, _PAGE)
            given = [one for row in page for one in audit.matching(row, wanted)]
            entries = [(one, _kids(one)) for one in given if one.event in _GIVEN]
            found = await keys.of_kids(tx, {kid for _, kids in entries for kid in kids})
        for entry, kids in entries:
            age_s = now.timestamp() - entry.at_us / 1e6
            day = entry.at_us // round(_DAY.total_seconds() * 1e6)
            if day != today:
                today, seen = day, set()
            for track_id in {found[kid].track_id for kid in kids if kid in found}:
                if (entry.who, track_id) not in seen:
                    seen.add((entry.who, track_id))
                    scores[track_id] += 0.5 ** (max(age_s, 0) / half_life.total_seconds())
        if len(page) < _PAGE:
            return {track_id: math.ceil(score) for track_id, score in scores.items()}
        last = page[-1]


async def put(catalog: Catalog, plays: Mapping[str, int]) -> None:
    """Make these the tracks' popularity, some at a time, so that publishers do not wait."""
    for some in batches(sorted(plays), popularity.MOST_AT_ONCE):
        await catalog.transact(partial(popularity.put, plays={one: plays[one] for one in some}))


def _kids(entry: AuditRecord) -> tuple[bytes, ...]:
    try:
        return tuple(_read(json.loads(entry.what)))
    except (ValueError, TypeError):  # somebody has edited it: `audit verify` tells
        return ()


def _read(what: object) -> Iterator[bytes]:
    if isinstance(what, dict):
        listed = what.get("kids", [])
        for kid in [*listed, *([what["kid"]] if "kid" in what else [])]:
            yield bytes.fromhex(kid)

"""Wrapped content keys, as `drm.keyring` made them. What they say is not this package's matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from catalog.engine import Tx
from catalog.records import WrappedKeyRecord
from catalog.schema import external_keys, keys
from catalog.wrapping import Change, is_under, replace


async def for_revision(tx: Tx, track_id: str, revision: str) -> tuple[WrappedKeyRecord, ...]:
    """Read a revision's keys, one per tier, by tier name; none for a clear one."""
    query = select(keys).where(keys.c.track_id == track_id, keys.c.revision == revision)
    rows = await tx.execute(query.order_by(keys.c.tier, keys.c.scheme))
    return tuple(WrappedKeyRecord(**row) for row in rows.mappings())


async def of_kids(tx: Tx, kids: Collection[bytes]) -> dict[bytes, WrappedKeyRecord]:
    """Read keys by their KIDs; those that there are not are not in the answer."""
    rows = await tx.execute(select(keys).where(keys.c.kid.in_(kids)))
    return {row["kid"]: WrappedKeyRecord(**row) for row in rows.mappings()}


async def exist(tx: Tx) -> bool:
    """Tell whether any key is stored: then the KEK that wrapped it must not be made anew."""
    for table in (keys, external_keys):
        if (await tx.execute(select(table.c.kid).limit(1))).first() is not None:
            return True
    return False


async def page(
    tx: Tx, after: bytes, limit: int, *, track_id: str | None = None
) -> tuple[WrappedKeyRecord, ...]:
    """Read keys by KID, from the one after that (b"": from the first), of a track or of all."""
    query = select(keys).where(keys.c.kid > after)
    if track_id is not None:
        query = query.where(keys.c.track_id == track_id)
    rows = await tx.execute(query.order_by(keys.c.kid).limit(limit))
    return tuple(WrappedKeyRecord(**row) for row in rows.mappings())


async def not_under(
    tx: Tx, kek_id: str, version: int, after: bytes, limit: int
) -> tuple[WrappedKeyRecord, ...]:
    """Read keys by KID that another KEK version wrapped than this one."""
    other = ~is_under(keys, kek_id, version)
    query = select(keys).where(keys.c.kid > after, other).order_by(keys.c.kid).limit(limit)
    return tuple(WrappedKeyRecord(**row) for row in (await tx.execute(query)).mappings())


async def count_under(tx: Tx) -> dict[tuple[str, int], int]:
    """How many keys each KEK version has wrapped that are stored now, external ones too."""
    counts: Counter[tuple[str, int]] = Counter()
    for table in (keys, external_keys):
        columns = (table.c.kek_id, table.c.kek_version)
        for kek_id, version, count in await tx.execute(
            select(*columns, func.count()).group_by(*columns)
        ):
            counts[kek_id, version] += count
    return dict(sorted(counts.items()))


async def under_at_most(
    tx: Tx, kek_id: str, version: int, limit: int
) -> tuple[WrappedKeyRecord, ...]:
    """Read some keys of tracks that this version of a KEK, or an older one, has wrapped."""
    query = select(keys).where(keys.c.kek_id == kek_id, keys.c.kek_version <= version)
    rows = await tx.execute(query.limit(limit))
    return tuple(WrappedKeyRecord(**row) for row in rows.mappings())


async def replace_wrapping(tx: Tx, changes: Sequence[Change]) -> int:
    """Exchange how keys are wrapped, those that still are as they were read; how many."""
    return await replace(tx, keys, {"kid": "kid"}, changes)

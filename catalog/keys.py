"""Wrapped content keys, as `drm.keyring` made them. What they say is not this package's matter."""

from __future__ import annotations

from sqlalchemy import select

from catalog.engine import Tx
from catalog.records import WrappedKeyRecord
from catalog.schema import keys


async def for_revision(tx: Tx, track_id: str, revision: str) -> tuple[WrappedKeyRecord, ...]:
    """Read a revision's keys, one per tier, by tier name; none for a clear one."""
    query = select(keys).where(keys.c.track_id == track_id, keys.c.revision == revision)
    rows = await tx.execute(query.order_by(keys.c.tier, keys.c.scheme))
    return tuple(WrappedKeyRecord(**row) for row in rows.mappings())


async def get(tx: Tx, kid: bytes) -> WrappedKeyRecord | None:
    """Read one key by its KID (16 bytes); None where there is none."""
    row = (await tx.execute(select(keys).where(keys.c.kid == kid))).mappings().one_or_none()
    return WrappedKeyRecord(**row) if row else None


async def exist(tx: Tx) -> bool:
    """Tell whether any key is stored: then the KEK that wrapped it must not be made anew."""
    return (await tx.execute(select(keys.c.kid).limit(1))).first() is not None

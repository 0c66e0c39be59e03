"""What is counted of each KEK version. The KEKs themselves are never here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from catalog.engine import Tx
from catalog.records import KekRecord
from catalog.schema import keks
from catalog.upsert import upsert


async def count_wraps(tx: Tx, kek_id: str, version: int, wraps: int, now: datetime) -> int:
    """Add to a version's count, and return the sum."""
    place = (keks.c.kek_id == kek_id) & (keks.c.version == version)
    values = {"kek_id": kek_id, "version": version, "wraps": 0, "first_used_at": now}
    await upsert(tx, keks, values, keys=["kek_id", "version"], update=[])
    await tx.execute(update(keks).where(place).values(wraps=keks.c.wraps + wraps))
    return int((await tx.execute(select(keks.c.wraps).where(place))).scalar_one())


async def all_versions(tx: Tx) -> tuple[KekRecord, ...]:
    """Read every version that ever wrapped, oldest first."""
    rows = await tx.execute(select(keks).order_by(keks.c.first_used_at, keks.c.version))
    return tuple(KekRecord(**row) for row in rows.mappings())

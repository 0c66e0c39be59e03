"""The rights that labels give: where, when and whether to keep. Of a track, or of a release.

A track's own rights count instead of its release's, whole. Where neither has any there is no
limit but publication and embargo. `drm.policy` gives all of this its meaning.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from sqlalchemy import delete, insert, select

from catalog.engine import Tx
from catalog.records import RightsRecord, WindowRecord
from catalog.schema import rights, rights_windows
from catalog.upsert import upsert


async def put(tx: Tx, record: RightsRecord) -> None:
    """Set the rights of a track or release, in place of those that there were."""
    values = {
        "owner": record.owner,
        "offline": record.offline,
        "updated_at": record.updated_at,
    }
    await upsert(tx, rights, values, keys=["owner"], update=["offline", "updated_at"])
    await _forget_windows(tx, record.owner)
    rows = [
        {
            "owner": record.owner,
            "position": position,
            "territory": one.territory,
            "licensed": one.licensed,
            "starts_at": one.starts_at,
            "ends_at": one.ends_at,
        }
        for position, one in enumerate(record.windows)
    ]
    if rows:
        await tx.execute(insert(rights_windows), rows)


async def clear(tx: Tx, owner: str) -> bool:
    """Forget the rights of a track or release; False where there were none."""
    await _forget_windows(tx, owner)
    done = await tx.execute(delete(rights).where(rights.c.owner == owner))
    return done.rowcount > 0


async def of_owners(tx: Tx, owners: Collection[str]) -> dict[str, RightsRecord]:
    """Read the rights of several tracks and releases; who has none is not in the answer."""
    query = (
        select(rights, rights_windows)
        .outerjoin(rights_windows, rights_windows.c.owner == rights.c.owner)
        .where(rights.c.owner.in_(owners))
        .order_by(rights.c.owner, rights_windows.c.position)
    )
    rows = (await tx.execute(query)).all()
    found = {}
    for owner, group in groupby(rows, key=lambda row: str(row[0])):
        mine = list(group)
        windows = tuple(
            WindowRecord(row.territory, row.starts_at, row.ends_at, licensed=row.licensed)
            for row in mine
            if row.territory is not None
        )
        found[owner] = RightsRecord(owner, windows, mine[0].offline, mine[0].updated_at)
    return found


async def _forget_windows(tx: Tx, owner: str) -> None:
    await tx.execute(delete(rights_windows).where(rights_windows.c.owner == owner))

"""Keys of contents that are packaged elsewhere: wrapped like all, by their packager's names.

In a `WrappedKeyRecord` of them `track_id` is the content id, and `revision` and `tier` are what
the key was wrapped for: `REVISION` and `TIER`, which no track of ours has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, select

from catalog.engine import Tx
from catalog.records import WrappedKeyRecord
from catalog.schema import external_keys
from catalog.upsert import upsert
from catalog.wrapping import WRAPPING, Change, is_under, replace

REVISION = ""
TIER = "external"
# What names a key, each with the record's field for it.
_NAMED = {"tenant": "tenant", "content_id": "track_id", "kid": "kid", "scheme": "scheme"}


async def of_content(
    tx: Tx, tenant: str, content_id: str, scheme: str, kids: Sequence[bytes]
) -> tuple[WrappedKeyRecord, ...]:
    """Read those of the keys that are there."""
    query = select(external_keys).where(
        external_keys.c.tenant == tenant,
        external_keys.c.content_id == content_id,
        external_keys.c.scheme == scheme,
        external_keys.c.kid.in_(kids),
    )
    return tuple(_record(row) for row in await tx.execute(query))


async def add(tx: Tx, records: Sequence[WrappedKeyRecord], now: datetime) -> None:
    """Store keys; where one is there already, that one stays."""
    for record in records:
        values = {
            "iv": record.iv,
            "created_at": now,
            **{column: getattr(record, field) for column, field in _NAMED.items()},
            **{name: getattr(record, name) for name in WRAPPING},
        }
        await upsert(tx, external_keys, values, keys=[*_NAMED], update=[])


async def page(tx: Tx, after: int, limit: int) -> tuple[tuple[int, WrappedKeyRecord], ...]:
    """Read keys and their numbers, from the one after that number (0: from the first)."""
    query = select(external_keys).where(external_keys.c.number > after)
    rows = await tx.execute(query.order_by(external_keys.c.number).limit(limit))
    return tuple((row.number, _record(row)) for row in rows)


async def not_under(
    tx: Tx, kek_id: str, version: int, after: int, limit: int
) -> tuple[tuple[int, WrappedKeyRecord], ...]:
    """Read keys and their numbers, after that number, that another KEK version wrapped."""
    query = (
        select(external_keys)
        .where(external_keys.c.number > after, ~is_under(external_keys, kek_id, version))
        .order_by(external_keys.c.number)
        .limit(limit)
    )
    return tuple((row.number, _record(row)) for row in await tx.execute(query))


async def replace_wrapping(tx: Tx, changes: Sequence[Change]) -> int:
    """Exchange how keys are wrapped, those that still are as they were read; how many."""
    return await replace(tx, external_keys, _NAMED, changes)


def _record(row: Row[tuple[object, ...]]) -> WrappedKeyRecord:
    return WrappedKeyRecord(
        kid=row.kid,
        tenant=row.tenant,
        track_id=row.content_id,
        revision=REVISION,
        tier=TIER,
        scheme=row.scheme,
        kek_id=row.kek_id,
        kek_version=row.kek_version,
        nonce=row.nonce,
        wrapped=row.wrapped,
        iv=row.iv,
    )

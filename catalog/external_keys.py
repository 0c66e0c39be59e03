"""Keys of contents that are packaged elsewhere: wrapped like all, by their packager's names.

In a `WrappedKeyRecord` of them `track_id` is the content id, and `revision` and `tier` are what
the key was wrapped for: `REVISION` and `TIER`, which no track of ours has.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, bindparam, select, tuple_, update

from catalog.engine import Tx
from catalog.records import WrappedKeyRecord
from catalog.schema import external_keys
from catalog.upsert import upsert

REVISION = ""
TIER = "external"
_UNIQUE = ("tenant", "content_id", "kid", "scheme")
_WRAPPING = ("kek_id", "kek_version", "nonce", "wrapped")


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
            "tenant": record.tenant,
            "content_id": record.track_id,
            "kid": record.kid,
            "scheme": record.scheme,
            "iv": record.iv,
            "created_at": now,
            **{name: getattr(record, name) for name in _WRAPPING},
        }
        await upsert(tx, external_keys, values, keys=_UNIQUE, update=[])


async def page(tx: Tx, after: int, limit: int) -> tuple[tuple[int, WrappedKeyRecord], ...]:
    """Read keys and their numbers, from the one after that number (0: from the first)."""
    query = select(external_keys).where(external_keys.c.number > after)
    rows = await tx.execute(query.order_by(external_keys.c.number).limit(limit))
    return tuple((row.number, _record(row)) for row in rows)


async def not_under(
    tx: Tx, kek_id: str, version: int, after: int, limit: int
) -> tuple[tuple[int, WrappedKeyRecord], ...]:
    """Read keys and their numbers, after that number, that another KEK version wrapped."""
    under = tuple_(external_keys.c.kek_id, external_keys.c.kek_version)
    query = (
        select(external_keys)
        .where(external_keys.c.number > after, under != tuple_(kek_id, version))
        .order_by(external_keys.c.number)
        .limit(limit)
    )
    return tuple((row.number, _record(row)) for row in await tx.execute(query))


async def replace_wrapping(
    tx: Tx, changes: Sequence[tuple[WrappedKeyRecord, WrappedKeyRecord]]
) -> int:
    """Exchange how keys are wrapped, each only where it still is as it was read.

    Returns how many were; the others have been changed by somebody else since.
    """
    if not changes:
        return 0
    query = update(external_keys).values({name: bindparam(f"new_{name}") for name in _WRAPPING})
    for name in (*_UNIQUE, *_WRAPPING):
        query = query.where(external_keys.c[name] == bindparam(f"was_{name}"))
    done = await tx.execute(query, [_change(was, new) for was, new in changes])
    return done.rowcount


def _change(was: WrappedKeyRecord, new: WrappedKeyRecord) -> dict[str, object]:
    return {
        "was_tenant": was.tenant,
        "was_content_id": was.track_id,
        "was_kid": was.kid,
        "was_scheme": was.scheme,
        **{f"was_{name}": getattr(was, name) for name in _WRAPPING},
        **{f"new_{name}": getattr(new, name) for name in _WRAPPING},
    }


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

"""The audit's tables: entries are added and read, nothing else. `drm.audit` gives them meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Select, insert, select

from catalog.engine import Tx
from catalog.records import AuditChainRecord, AuditRecord
from catalog.schema import audit_chains, audit_entries
from catalog.upsert import upsert


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; None: any."""

    event: str | None = None
    text: str | None = None  # a part of who, what or whence
    since_us: int | None = None
    until_us: int | None = None


_ENTRY = ("chain", "position", "at_us", "event", "who", "what", "whence", "why", "hash")
# For every license: through the driver alone it takes half the time that it takes by SQLAlchemy.
_SQLITE_ENTRY = """
INSERT INTO audit_entries (chain, position, at_us, event, who, what, whence, why, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SQLITE_CHAIN = """
INSERT INTO audit_chains (chain, number, entries, head, seal) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (chain)
DO UPDATE SET entries = excluded.entries, head = excluded.head, seal = excluded.seal
"""


async def append(tx: Tx, chain: AuditChainRecord, entries: Sequence[AuditRecord]) -> None:
    """Add entries to a chain, and keep its new state: begun by its first entries."""
    rows = [_row(entry) for entry in entries]
    if tx.dialect.name == "sqlite":
        await tx.exec_driver_sql(_SQLITE_ENTRY, rows)
        state = (chain.chain, chain.number, chain.entries, chain.head, chain.seal)
        await tx.exec_driver_sql(_SQLITE_CHAIN, state)
        return
    await tx.execute(insert(audit_entries), [dict(zip(_ENTRY, row, strict=True)) for row in rows])
    await upsert(
        tx, audit_chains, asdict(chain), keys=["chain"], update=["entries", "head", "seal"]
    )


async def last_chain(tx: Tx) -> AuditChainRecord | None:
    """Read the chain that was begun last."""
    query = select(audit_chains).order_by(audit_chains.c.number.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return AuditChainRecord(**row) if row else None


async def chains(tx: Tx) -> tuple[AuditChainRecord, ...]:
    """Read all chains in their order."""
    rows = await tx.execute(select(audit_chains).order_by(audit_chains.c.number))
    return tuple(AuditChainRecord(**row) for row in rows.mappings())


async def chains_of_entries(tx: Tx) -> frozenset[str]:
    """The chains that entries name, whether or not they are kept as chains."""
    return frozenset((await tx.execute(select(audit_entries.c.chain).distinct())).scalars())


async def of_chain(tx: Tx, chain: str, after: int, limit: int) -> tuple[AuditRecord, ...]:
    """Read entries of a chain in their order, from the one after that position."""
    query = select(audit_entries).where(
        audit_entries.c.chain == chain, audit_entries.c.position > after
    )
    return await _read(tx, query.order_by(audit_entries.c.position).limit(limit))


async def newest(tx: Tx, wanted: AuditFilter, limit: int) -> tuple[AuditRecord, ...]:
    """Read the newest entries of all chains that are wanted, the newest first."""
    query = _filtered(wanted).order_by(
        audit_entries.c.at_us.desc(), audit_entries.c.chain, audit_entries.c.position.desc()
    )
    return await _read(tx, query.limit(limit))


async def page(
    tx: Tx, wanted: AuditFilter, after: AuditRecord | None, limit: int
) -> tuple[AuditRecord, ...]:
    """Read wanted entries of all chains, the oldest first, from the one after that."""
    order = (audit_entries.c.at_us, audit_entries.c.chain, audit_entries.c.position)
    query = _filtered(wanted)
    if after is not None:
        at, chain, position = order
        query = query.where(
            (at > after.at_us)
            | ((at == after.at_us) & (chain > after.chain))
            | ((at == after.at_us) & (chain == after.chain) & (position > after.position))
        )
    return await _read(tx, query.order_by(*order).limit(limit))


def _filtered(wanted: AuditFilter) -> Select[tuple[object, ...]]:
    query = select(audit_entries)
    entry = audit_entries.c
    if wanted.event is not None:
        query = query.where(entry.event == wanted.event)
    if wanted.text is not None:
        text = wanted.text
        query = query.where(
            entry.who.contains(text, autoescape=True)
            | entry.what.contains(text, autoescape=True)
            | entry.whence.contains(text, autoescape=True)
        )
    if wanted.since_us is not None:
        query = query.where(entry.at_us >= wanted.since_us)
    if wanted.until_us is not None:
        query = query.where(entry.at_us < wanted.until_us)
    return query


def _row(entry: AuditRecord) -> tuple[object, ...]:
    """An entry's values in the order of the columns."""
    return (
        entry.chain,
        entry.position,
        entry.at_us,
        entry.event,
        entry.who,
        entry.what,
        entry.whence,
        entry.why,
        entry.hash,
    )


async def _read(tx: Tx, query: Select[tuple[object, ...]]) -> tuple[AuditRecord, ...]:
    rows = await tx.execute(query)
    return tuple(AuditRecord(**row) for row in rows.mappings())

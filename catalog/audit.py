"""The audit's tables: entries are added and read, nothing else. `drm.audit` gives them meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Select, bindparam, insert, select, tuple_, update

from catalog.audit_batches import BATCH, entries_of
from catalog.database import Write
from catalog.engine import Catalog, Tx
from catalog.locks import Held, hold
from catalog.records import AuditChainRecord, AuditRecord
from catalog.schema import audit_chains, audit_entries


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; None: any."""

    event: str | None = None
    text: str | None = None  # a part of who, what or whence
    since_us: int | None = None
    until_us: int | None = None


# The longest from a batch's first entry, which dates the row, to its last: while a batch waits for
# a lock the next one gathers.
_BATCH_US = 120_000_000
_ADD = Write(insert(audit_entries), AuditRecord._fields)
_GROW = Write(
    update(audit_chains).where(audit_chains.c.chain == bindparam("grown")),
    ("entries", "head", "seal", "grown"),
)


async def begin_chain(tx: Tx, chain: AuditChainRecord, entries: Sequence[AuditRecord]) -> None:
    """Keep a new chain and its first entries."""
    await tx.execute(insert(audit_chains).values(**asdict(chain)))
    await tx.execute(insert(audit_entries), [entry._asdict() for entry in entries])


async def extend(catalog: Catalog, chain: AuditChainRecord, entries: Sequence[AuditRecord]) -> None:
    """Add entries to a chain and keep its new state, in a transaction of its own."""
    state = (chain.entries, chain.head, chain.seal, chain.chain)
    await catalog.write((_ADD, entries), (_GROW, [state]))


async def last_chain(tx: Tx) -> AuditChainRecord | None:
    """Read the chain that was begun last."""
    query = select(audit_chains).order_by(audit_chains.c.number.desc()).limit(1)
    row = (await tx.execute(query)).mappings().one_or_none()
    return AuditChainRecord(**row) if row else None


async def hold_last_chain(tx: Tx) -> AuditChainRecord | None:
    """Read the same; nobody else begins a chain until the transaction ends."""
    await hold(tx, Held.AUDIT_CHAINS, "")
    return await last_chain(tx)


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
    order = (audit_entries.c.at_us, audit_entries.c.chain, audit_entries.c.position)
    query = _maybe(wanted).order_by(*(column.desc() for column in order)).limit(limit)
    rows = await _read(tx, query)
    found = [*_latest_first(rows, wanted)]
    while len(rows) == limit and len(found) < limit:  # some rows held nothing that is wanted
        rows = await _read(tx, query.where(tuple_(*order) < tuple_(*_key(rows[-1]))))
        found += _latest_first(rows, wanted)
    return tuple(found[:limit])


async def page(
    tx: Tx, wanted: AuditFilter, after: AuditRecord | None, limit: int
) -> tuple[AuditRecord, ...]:
    """Read rows of all chains, the oldest first, from the one after that.

    Those that may hold what is wanted: `matching` tells.
    """
    order = (audit_entries.c.at_us, audit_entries.c.chain, audit_entries.c.position)
    query = _maybe(wanted)
    if after is not None:
        # As one comparison of rows: only that begins in the middle of an index.
        query = query.where(tuple_(*order) > tuple_(*_key(after)))
    return await _read(tx, query.order_by(*order).limit(limit))


def matching(row: AuditRecord, wanted: AuditFilter) -> Iterator[AuditRecord]:
    """The entries of a row that are wanted."""
    text = "" if wanted.text is None else wanted.text.lower()
    for entry in entries_of(row):
        if wanted.event not in {None, entry.event}:
            continue
        if wanted.since_us is not None and entry.at_us < wanted.since_us:
            continue
        if wanted.until_us is not None and entry.at_us >= wanted.until_us:
            continue
        if any(text in field.lower() for field in (entry.who, entry.what, entry.whence)):
            yield entry


def _latest_first(rows: Sequence[AuditRecord], wanted: AuditFilter) -> Iterator[AuditRecord]:
    for row in rows:
        yield from reversed([*matching(row, wanted)])


def _maybe(wanted: AuditFilter) -> Select[tuple[object, ...]]:
    """The rows that may hold entries that are wanted: a batch is looked at as text."""
    query = select(audit_entries)
    row = audit_entries.c
    if wanted.event is not None:
        of_batch = row.what.contains(json.dumps(wanted.event), autoescape=True)
        query = query.where((row.event == wanted.event) | ((row.event == BATCH) & of_batch))
    if wanted.text is not None:
        text, written = wanted.text, json.dumps(wanted.text)[1:-1]
        query = query.where(
            row.who.icontains(text, autoescape=True)
            | row.what.icontains(text, autoescape=True)
            | row.whence.icontains(text, autoescape=True)
            | ((row.event == BATCH) & row.what.icontains(written, autoescape=True))
        )
    if wanted.since_us is not None:
        query = query.where(row.at_us >= wanted.since_us - _BATCH_US)
    if wanted.until_us is not None:
        query = query.where(row.at_us < wanted.until_us)
    return query


def _key(row: AuditRecord) -> tuple[int, str, int]:
    return row.at_us, row.chain, row.position


async def _read(tx: Tx, query: Select[tuple[object, ...]]) -> tuple[AuditRecord, ...]:
    rows = await tx.execute(query)
    return tuple(AuditRecord(**row) for row in rows.mappings())

"""Verifying the audit: every entry, every chain, every anchor and every seal."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from catalog import audit as rows
from catalog.audit_batches import entries_of
from catalog.engine import Tx
from catalog.records import AuditChainRecord, AuditRecord
from drm.audit_chain import (
    CHAIN_OPENED,
    NO_HASH,
    Anchor,
    anchor_of,
    entry_hash,
    facts_of,
    opening,
    seal,
)
from drm.errors import AuditBroken

_PAGE = 1000
_MARK = re.compile(r"(?P<chain>[0-9a-f]{16})\.(?P<entries>[1-9][0-9]*)\.(?P<head>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a whole audit comes to."""

    chains: int
    entries: int
    mark: str  # of its end: kept elsewhere, it proves later that nothing up to here was lost


@dataclass(slots=True)
class _Finding:
    """What is wrong so far, and the hashes at which others look."""

    marks: dict[str, set[int]]  # chain -> lengths at which its hash is wanted
    problems: list[str] = field(default_factory=list)
    heads: dict[tuple[str, int], str] = field(default_factory=dict)  # (chain, length) -> hash
    entries: int = 0


async def verify(tx: Tx, key: bytes, mark: str | None = None) -> Verified:
    """Go through all of it. AuditBroken names everything that was edited, moved or taken out.

    With a `mark` of an earlier run, also that all there was then is still there.
    """
    chains = await rows.chains(tx)
    anchors = [anchor for chain in chains if (anchor := await _anchor(tx, chain)) is not None]
    wanted = _parse(mark)
    if wanted is not None:
        anchors.append(wanted)
    marks: dict[str, set[int]] = {}
    for anchor in anchors:
        marks.setdefault(anchor.chain, set()).add(anchor.entries)
    found = _Finding(marks)
    for number, chain in enumerate(chains, 1):
        if chain.number != number:
            found.problems.append(f"chain {number} was taken out, or chains were moved")
        await _check_chain(tx, chain, key, found)
    for stray in sorted(await rows.chains_of_entries(tx) - {chain.chain for chain in chains}):
        found.problems.append(f"chain {stray}: its head was taken out")
    await _check_anchors(tx, chains, found)
    if wanted is not None and found.heads.get((wanted.chain, wanted.entries)) != wanted.head:
        found.problems.append("what the mark stands for is not there, or not as it was")
    if found.problems:
        raise AuditBroken(found.problems)
    last = Anchor.of(chains[-1] if chains else None)
    end = f"{last.chain}.{last.entries}.{last.head}" if last.chain else ""
    return Verified(len(chains), found.entries, end)


async def _check_chain(tx: Tx, chain: AuditChainRecord, key: bytes, found: _Finding) -> None:
    name = f"chain {chain.chain}"
    head, position = NO_HASH, 0
    async for entry in _entries(tx, chain.chain):
        if entry.position != position:
            found.problems.append(f"{name}: rows from {position} on were taken out")
            return
        head = entry_hash(entry.chain, entry.position, facts_of(entry), head)
        if not hmac.compare_digest(head, entry.hash):
            found.problems.append(f"{name}: row {position} was edited or moved")
            return
        position += 1
        found.entries += sum(1 for _ in entries_of(entry))
        if position in found.marks.get(chain.chain, ()):
            found.heads[chain.chain, position] = head.hex()
    if (position, head) != (chain.entries, chain.head):
        found.problems.append(f"{name}: has {position} rows, had {chain.entries}")
    elif not hmac.compare_digest(seal(chain, key), chain.seal):
        found.problems.append(f"{name}: its seal is not ours: it was written anew")


async def _check_anchors(tx: Tx, chains: tuple[AuditChainRecord, ...], found: _Finding) -> None:
    """Each chain begins with the chain before it, as that was then."""
    before: AuditChainRecord | None = None
    for chain in chains:
        first = await rows.of_chain(tx, chain.chain, -1, 1)
        anchor = await _anchor(tx, chain)
        if not first or first[0].event != CHAIN_OPENED or anchor is None:
            found.problems.append(f"chain {chain.chain}: does not begin with its anchor")
        elif first[0].what != opening(chain.number, anchor):
            found.problems.append(f"chain {chain.chain}: its number is another one's")
        elif not _holds(anchor, before, found):
            found.problems.append(f"chain {chain.chain}: the chain before it is not as it was")
        before = chain


def _holds(anchor: Anchor, before: AuditChainRecord | None, found: _Finding) -> bool:
    if before is None:
        return anchor == Anchor.of(None)
    is_head = found.heads.get((anchor.chain, anchor.entries)) == anchor.head
    return anchor.chain == before.chain and is_head


async def _anchor(tx: Tx, chain: AuditChainRecord) -> Anchor | None:
    first = await rows.of_chain(tx, chain.chain, -1, 1)
    return anchor_of(first[0].what) if first else None


async def _entries(tx: Tx, chain: str) -> AsyncIterator[AuditRecord]:
    after = -1
    while True:
        page = await rows.of_chain(tx, chain, after, _PAGE)
        for entry in page:
            yield entry
        if len(page) < _PAGE:
            return
        after = page[-1].position


def _parse(mark: str | None) -> Anchor | None:
    if mark is None:
        return None
    match = _MARK.fullmatch(mark)
    if match is None:
        raise AuditBroken(["the mark is none that `headwater audit verify` printed"])
    return Anchor(match["chain"], int(match["entries"]), match["head"])

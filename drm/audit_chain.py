"""The arithmetic of the audit: entries chained by hashes, chains anchored in each other and sealed.

    hash(entry n)  = SHA-256(all its fields, hash(entry n-1))
    first entry    = names its anchor: the chain begun before it, how long that was and its head
    seal(chain)    = HMAC-SHA-256(audit key, chain, number, length, head)

An entry that was edited, moved or taken out breaks the chain; a chain that was cut short or
written anew has not got its seal, which takes a key that the catalog does not hold; a chain that
was taken out whole is missed by the one that names it as its anchor.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from catalog.audit_batches import text_of
from catalog.records import AuditChainRecord, AuditFacts, AuditRecord
from drm.canonical import join

CHAIN_OPENED: Final = "chain.opened"
NO_HASH = bytes(32)  # what comes before the first
_ENTRY_LABEL = "headwater audit entry"
_SEAL_LABEL = "headwater audit seal"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a new chain remembers of the one that was begun before it."""

    chain: str  # "" for the first chain of all
    entries: int
    head: str  # hex

    @classmethod
    def of(cls, chain: AuditChainRecord | None) -> Anchor:
        """The anchor of the chain that is begun after this one."""
        if chain is None:
            return cls("", 0, NO_HASH.hex())
        return cls(chain.chain, chain.entries, chain.head.hex())


def entry_hash(chain: str, position: int, facts: AuditFacts, previous: bytes) -> bytes:
    """The hash of an entry in this place, after the one before it."""
    return _hash(_start(chain), position, facts, previous)


def seal(chain: AuditChainRecord, key: bytes) -> bytes:
    """The MAC of a chain's state."""
    fields = (chain.chain, chain.number, chain.entries, chain.head)
    return hmac.digest(key, join(_SEAL_LABEL, _FORMAT, *fields), "sha256")


def extended(
    chain: AuditChainRecord, entries: Iterable[AuditFacts], key: bytes
) -> tuple[AuditChainRecord, list[AuditRecord]]:
    """Put entries at the end of a chain: its new state, and the entries in their places."""
    head, added = chain.head, []
    name, start = chain.chain, _start(chain.chain)
    for position, facts in enumerate(entries, chain.entries):
        head = _hash(start, position, facts, head)
        added.append(AuditRecord(name, position, *facts, head))
    grown = replace(chain, entries=chain.entries + len(added), head=head)
    return replace(grown, seal=seal(grown, key)), added


def facts_of(entry: AuditRecord) -> AuditFacts:
    """What an entry says, without its place."""
    return entry[2:8]


def _start(chain: str) -> bytes:
    """What is hashed first for each entry of a chain: joined once for a batch."""
    return join(_ENTRY_LABEL, _FORMAT, chain)


def _hash(start: bytes, position: int, facts: AuditFacts, previous: bytes) -> bytes:
    return hashlib.sha256(start + join(position, *facts, previous)).digest()


def opening(number: int, anchor: Anchor) -> str:
    """What the first entry of a chain says."""
    known = {"chain": anchor.chain, "entries": anchor.entries, "head": anchor.head}
    return text_of({"number": number, "anchor": known})


def anchor_of(what: str) -> Anchor | None:
    """The anchor that a first entry names; None where it names none."""
    try:
        known = json.loads(what)["anchor"]
        return Anchor(str(known["chain"]), int(known["entries"]), str(known["head"]))
    except (ValueError, KeyError, TypeError):
        return None

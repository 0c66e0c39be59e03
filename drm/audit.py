"""The audit of keys: who got or did what, when, from where and why.

An entry is durable before the caller goes on: entries that come while one transaction runs share
the next (group commit). Each process writes a chain of its own; see `audit_chain`. No key and no
token is ever in an entry: keys are named by KID, tokens by a piece of their hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from catalog import audit as rows
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from catalog.records import AuditChainRecord, AuditRecord
from drm import secret_file
from drm.audit_chain import CHAIN_OPENED, NO_HASH, Anchor, extended, opening, text_of
from drm.errors import AuditUnavailable, SecretUnavailable

_log = logging.getLogger(__name__)

_LINGER_S = 0.005  # the longest that a batch is kept open for others to join
_IDLE_TURNS = 2  # of the event loop in which nobody joined: then it is not
_MAX_QUEUE = 10_000  # best effort only: what is kept while the catalog is away


class AuditEvent(StrEnum):
    """What is audited."""

    KEY_CREATED = "key.created"
    LICENSE = "license"
    KEY = "key"
    DENIED = "denied"
    KEK_ROTATED = "kek.rotated"
    KEYS_REWRAPPED = "keys.rewrapped"
    KEK_RETIRED = "kek.retired"
    KEK_BACKED_UP = "kek.backed-up"
    KEK_RESTORED = "kek.restored"
    KEYS_EXPORTED = "keys.exported"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened. Texts are cut where they are longer than anybody needs."""

    event: AuditEvent
    who: str  # "token:1f0c...", "operator:ada@studio"
    why: str  # a machine-readable reason: "entitled", "not-entitled", "token-expired"
    what: Mapping[str, object] = field(default_factory=dict)  # what JSON can say
    whence: str = ""  # an IP address, or the command


class Audit(Protocol):
    """Where entries go."""

    async def record(self, *entries: AuditEntry) -> None:
        """Return when they are durable. AuditUnavailable where that is required and failed."""
        ...


class NoAudit:
    """For `drm.audit: off`."""

    async def record(self, *entries: AuditEntry) -> None:
        """Forget them."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """An audit as one doer writes in it."""

    audit: Audit
    who: str
    whence: str = ""

    async def record(self, event: AuditEvent, why: str, *whats: Mapping[str, object]) -> None:
        """Add an entry for each of these details. Same errors as the audit."""
        if whats:
            entries = [AuditEntry(event, self.who, why, what, self.whence) for what in whats]
            await self.audit.record(*entries)


NOBODY = Auditor(NoAudit(), "")


class AuditKeyUnavailable(SecretUnavailable):
    """There is no key to seal the audit with."""


def open_key(path: Path, *, create: bool) -> bytes:
    """Read the key that seals the audit, first making one if `create` and there is none."""
    if create:
        secret_file.create(path, lambda: {"key": secrets.token_hex(32)}, AuditKeyUnavailable)
    key = secret_file.secret_bytes(secret_file.read(path, AuditKeyUnavailable).get("key"))
    if key is None:
        raise secret_file.malformed(path, "`key` is not 64 hex digits", AuditKeyUnavailable)
    return key


def token_name(text: str) -> str:
    """A token's name in the audit: the same for the same token, and of no use as one."""
    return f"token:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class _Waiting:
    entries: Sequence[AuditRecord]
    durable: asyncio.Future[None] | None  # None: nobody waits


class AuditLog:
    """One process's chain. It begins with the first entry that is recorded."""

    def __init__(
        self,
        catalog: Catalog,
        key: bytes,
        *,
        required: bool = True,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._catalog = catalog
        self._key = key
        self._required = required
        self._clock = clock
        self._chain: AuditChainRecord | None = None
        self._queue: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, *entries: AuditEntry) -> None:
        """Add entries. With `required` they are durable when this returns, or it raises."""
        at_us = self._clock() // 1000
        records = [_record(entry, at_us) for entry in entries]
        if not self._required:
            self._enqueue(records)
            return
        durable = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(records, durable))
        self._wake()
        await durable

    async def close(self) -> None:
        """Write what still waits."""
        while self._writer is not None:
            await asyncio.shield(self._writer)

    def _enqueue(self, records: Sequence[AuditRecord]) -> None:
        if len(self._queue) >= _MAX_QUEUE:
            _log.error("audit: an entry was lost, the catalog cannot be written")
            return
        self._queue.append(_Waiting(records, None))
        self._wake()

    def _wake(self) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._run())

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            while self._queue:
                await self._gather()
                batch, self._queue = self._queue, []
                _settle(batch, await self._write(batch))
        finally:
            self._writer = None
            # Only where this task itself was ended: nobody is left waiting for ever.
            _settle((*batch, *self._queue), "the program is ending")
            self._queue = []

    async def _gather(self) -> None:
        """Let others join while they come, so that one transaction is for all of them."""
        deadline = time.monotonic() + _LINGER_S
        seen = idle = 0
        while idle < _IDLE_TURNS and time.monotonic() < deadline:
            idle = idle + 1 if len(self._queue) == seen else 0
            seen = len(self._queue)
            await asyncio.sleep(0)

    async def _write(self, batch: Sequence[_Waiting]) -> str | None:
        """Returns why it could not be done."""
        entries = [entry for waiting in batch for entry in waiting.entries]
        try:
            async with self._catalog.begin() as tx:
                chain = self._chain or await self._open_chain(tx)
                if not chain.entries:
                    first = _opening(chain, await rows.last_chain(tx), entries[0].at_us)
                    entries = [first, *entries]
                chain, added = extended(chain, entries, self._key)
                await rows.append(tx, chain, added)
        except CatalogError as exc:
            # Whether it was committed is not known: what comes next begins a new chain.
            self._chain = None
            _log.error("audit: %d entries could not be written: %s", len(entries), exc)
            return str(exc)
        self._chain = chain
        return None

    async def _open_chain(self, tx: Tx) -> AuditChainRecord:
        last = await rows.last_chain(tx)
        number = 1 if last is None else last.number + 1
        return AuditChainRecord(secrets.token_hex(8), number, 0, NO_HASH, b"")


def _opening(chain: AuditChainRecord, last: AuditChainRecord | None, at_us: int) -> AuditRecord:
    what = opening(chain.number, Anchor.of(last))
    return AuditRecord(chain.chain, 0, at_us, CHAIN_OPENED, "headwater", what, "", "", b"")


def _record(entry: AuditEntry, at_us: int) -> AuditRecord:
    """The entry, without its place yet. Text that a database could not keep is replaced."""
    return AuditRecord(
        chain="",
        position=0,
        at_us=at_us,
        event=entry.event.value,
        who=_clean(entry.who),
        what=text_of(entry.what),
        whence=_clean(entry.whence),
        why=_clean(entry.why),
        hash=b"",
    )


def _clean(text: str) -> str:
    return text[:256].encode("utf-8", "replace").decode().replace("\0", "?")


def _settle(batch: Sequence[_Waiting], error: str | None) -> None:
    for waiting in batch:
        durable = waiting.durable
        if durable is None or durable.done():  # done: its caller has gone
            continue
        if error is None:
            durable.set_result(None)
        else:
            durable.set_exception(AuditUnavailable(error))

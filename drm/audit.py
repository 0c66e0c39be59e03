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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from catalog import audit as rows
from catalog.audit_batches import batched, text_of
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError
from catalog.records import AuditChainRecord, AuditFacts
from drm import secret_file
from drm.audit_chain import CHAIN_OPENED, NO_HASH, Anchor, extended, opening
from drm.errors import AuditUnavailable, SecretUnavailable

_log = logging.getLogger(__name__)

_LINGER_S = 0.005  # the longest that a batch is kept open for others to join
_IDLE_TURNS = 2  # of the event loop in which nobody joined: then it is not
_NAP_S = 0.001  # while more are expected
_MAX_TEXT = 256  # characters
_LONGEST_KEPT = 512  # characters of a token; strangers send longer texts, too
_TOLD_EVERY_S = 60.0  # how many entries were lost
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
    RIGHTS_SET = "rights.set"
    RIGHTS_CLEARED = "rights.cleared"
    UNPUBLISHED = "track.unpublished"
    PUBLISHED = "track.published"  # given back; an ingest that publishes makes keys
    EMBARGOED = "track.embargoed"
    EDITED = "track.edited"
    ROLLED_BACK = "track.rolled-back"
    TAKEDOWN = "track.taken-down"
    KEY_DESTROYED = "key.destroyed"


class AuditEntry(NamedTuple):
    """One thing that happened. Texts are cut where they are longer than anybody needs."""

    event: AuditEvent
    who: str  # "token:1f0c...", "operator:ada@studio"
    why: str  # a machine-readable reason: "entitled", "not-entitled", "token-expired"
    # What JSON can say; or that as `catalog.audit_batches.text_of` writes it.
    what: Mapping[str, object] | str = "{}"
    whence: str = ""  # an IP address, or the command


class Audit(Protocol):
    """Where entries go."""

    async def record(self, *entries: AuditEntry) -> None:
        """Return when they are durable. AuditUnavailable where that is required and failed."""
        ...

    def begin(self, *entries: AuditEntry) -> asyncio.Future[None] | None:
        """The same, begun: what tells of the end, or None where nobody has to wait.

        It tells all whose entries are written together: nobody may cancel it.
        """
        ...


class NoAudit:
    """For `drm.audit: off`."""

    async def record(self, *entries: AuditEntry) -> None:
        """Forget them."""

    def begin(self, *entries: AuditEntry) -> None:
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
    return _token_name(text) if len(text) <= _LONGEST_KEPT else _token_name.__wrapped__(text)


@lru_cache(maxsize=16384)  # a token is named for each license and each denial
def _token_name(text: str) -> str:
    return f"token:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"


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
        self._queue: list[AuditFacts] = []
        self._durable: asyncio.Future[None] | None = None  # done when the queue is written
        self._expected = 0  # entries in the next batch
        self._writer: asyncio.Task[None] | None = None
        self._lost = 0  # entries, since it was told
        self._told_s = float("-inf")

    async def record(self, *entries: AuditEntry) -> None:
        """Add entries. With `required` they are durable when this returns, or it raises."""
        durable = self.begin(*entries)
        if durable is not None:
            await asyncio.shield(durable)

    def begin(self, *entries: AuditEntry) -> asyncio.Future[None] | None:
        """Add entries. With `required` they are durable when the future is done, or it raises."""
        at_us = self._clock() // 1000
        if not self._required:
            self._enqueue([_facts(entry, at_us) for entry in entries])
            return None
        for entry in entries:
            self._queue.append(_facts(entry, at_us))
        durable = self._durable
        if durable is None:
            durable = self._durable = asyncio.get_running_loop().create_future()
            self._wake()
        return durable

    async def close(self) -> None:
        """Write what still waits."""
        if self._queue:
            self._wake()
        while self._writer is not None:
            await asyncio.shield(self._writer)

    def _enqueue(self, entries: list[AuditFacts]) -> None:
        self._queue += self._kept(entries, _MAX_QUEUE - len(self._queue))
        self._wake()

    def _kept(self, entries: list[AuditFacts], room: int) -> list[AuditFacts]:
        """As many of these as there is room for; of the others it is told how many, at times."""
        kept = entries[: max(0, room)]
        self._lost += len(entries) - len(kept)
        now_s = time.monotonic()
        if self._lost and now_s - self._told_s >= _TOLD_EVERY_S:
            _log.error("audit: %d entries are lost: the catalog cannot be written", self._lost)
            self._lost, self._told_s = 0, now_s
        return kept

    def _wake(self) -> None:
        if self._writer is None:
            self._writer = asyncio.create_task(self._run())

    async def _run(self) -> None:
        durable = None
        try:
            while self._queue:
                await self._gather()
                batch, self._queue = self._queue, []
                durable, self._durable = self._durable, None
                problem = await self._write(batch)
                _settle(durable, problem)
                if problem is not None and not self._required:  # tried again with what comes next
                    self._queue = self._kept(batch + self._queue, _MAX_QUEUE)
                    break
        except BaseException:  # this task itself was ended: nobody is left waiting for ever
            _settle(durable, "the program is ending")
            _settle(self._durable, "the program is ending")
            self._queue, self._durable = [], None
            raise
        finally:
            self._writer = None

    async def _gather(self) -> None:
        """Let others join while they come, so that one transaction is for all of them.

        Also until half as many are there as the last time. Else, under load, whoever comes first
        has a transaction alone and all others wait for the next: twice as many for the same.
        """
        deadline = time.monotonic() + _LINGER_S
        seen = idle = 0
        while time.monotonic() < deadline:
            idle = idle + 1 if len(self._queue) == seen else 0
            seen = len(self._queue)
            if idle < _IDLE_TURNS:
                await asyncio.sleep(0)
            elif seen < self._expected:
                await asyncio.sleep(_NAP_S)
            else:
                break
        self._expected = len(self._queue) // 2

    async def _write(self, batch: list[AuditFacts]) -> str | None:
        """Returns why it could not be done."""
        try:
            if self._chain is None:
                self._chain = await self._catalog.transact(lambda tx: self._begin(tx, batch))
            else:
                chain, added = extended(self._chain, batched(batch), self._key)
                await rows.extend(self._catalog, chain, added)
                self._chain = chain
        except CatalogError as exc:
            # Whether it was committed is not known: what comes next begins a new chain.
            self._chain = None
            _log.error("audit: %d entries could not be written: %s", len(batch), exc)
            return str(exc)
        return None

    async def _begin(self, tx: Tx, batch: list[AuditFacts]) -> AuditChainRecord:
        """Begin a chain with the anchor and these entries."""
        last = await rows.hold_last_chain(tx)
        number = 1 if last is None else last.number + 1
        chain = AuditChainRecord(secrets.token_hex(8), number, 0, NO_HASH, b"")
        at_us = batch[0][0]
        first = (at_us, CHAIN_OPENED, "headwater", opening(number, Anchor.of(last)), "", "")
        chain, added = extended(chain, [first, *batched(batch)], self._key)
        await rows.begin_chain(tx, chain, added)
        return chain


def _facts(entry: AuditEntry, at_us: int) -> AuditFacts:
    """What is kept of an entry. Text that a database could not keep is replaced."""
    who, whence, why = _clean(entry.who), _clean(entry.whence), _clean(entry.why)
    what = entry.what if isinstance(entry.what, str) else text_of(entry.what)
    return at_us, entry.event.value, who, what, whence, why


def _clean(text: str) -> str:
    if len(text) <= _MAX_TEXT and text.isascii() and text.isprintable():
        return text
    return text[:_MAX_TEXT].encode("utf-8", "replace").decode().replace("\0", "?")


def _settle(durable: asyncio.Future[None] | None, error: str | None) -> None:
    if durable is None or durable.done():
        return
    if error is None:
        durable.set_result(None)
    else:
        durable.set_exception(AuditUnavailable(error))
        durable.exception()  # all who asked may be gone, and then nobody would look at it

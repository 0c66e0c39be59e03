"""What the origin writes in the audit: keys that it gave out, and denials, before the reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial

from drm.audit import Audit, AuditEntry, AuditEvent, token_name
from drm.errors import Denied, ExpiredToken, InvalidToken
from origin.caller import Caller
from origin.forwarded import BaseUrl
from origin.meters import OriginMeters
from origin.problems import Missing, Unauthenticated

_STRANGERS_PER_S = 20.0  # denials of those who showed no token of ours; more are counted only
_BURST = 100.0


class KeyAudit:
    """One worker's entries. Raises AuditUnavailable where an entry is required and fails."""

    def __init__(self, audit: Audit, forwarded: BaseUrl, meters: OriginMeters) -> None:
        self._audit = audit
        self._forwarded = forwarded
        self._meters = meters
        self._room = _BURST
        self._filled = time.monotonic()
        self._left_out = 0
        self._durable: asyncio.Future[None] | None = None
        self._given: list[str] = []  # what is counted when that is done

    async def given(
        self, request: Caller, token: str, event: AuditEvent, what: Mapping[str, object]
    ) -> None:
        """Keys are about to be given to the bearer of a token."""
        durable = self.giving(request, token, event, what)
        if durable is not None:
            await asyncio.shield(durable)

    def giving(
        self, request: Caller, token: str, event: AuditEvent, what: Mapping[str, object] | str
    ) -> asyncio.Future[None] | None:
        """The same, begun: keys may be given once the future is done, or where there is none."""
        whence = self._forwarded.client(request)
        durable = self._audit.begin(AuditEntry(event, token_name(token), "entitled", what, whence))
        if durable is None:
            self._meters.granted.up(event.value)
            return None
        if durable is not self._durable:  # all whose entries are written together have the same
            self._durable, self._given = durable, []
            durable.add_done_callback(partial(self._count, self._given))
        self._given.append(event.value)
        return durable

    def _count(self, given: Sequence[str], durable: asyncio.Future[None]) -> None:
        if not durable.cancelled() and durable.exception() is None:
            for event in given:
                self._meters.granted.up(event)

    async def denied(
        self,
        request: Caller,
        token: str | None,
        what: Mapping[str, object],
        error: Exception,
    ) -> None:
        """A request for keys has failed: record it if that is because of who asks for what."""
        reason = _reason(error)
        if reason is None:
            return
        self._meters.denied.up(reason)
        if isinstance(error, (InvalidToken, Unauthenticated)):
            if not self._has_room():  # anybody can send these: they must not fill the disk
                self._left_out += 1
                return
            if self._left_out:
                what = {**what, "left_out": self._left_out}
                self._left_out = 0
        who = "nobody" if token is None else token_name(token)
        whence = self._forwarded.client(request)
        await self._audit.record(AuditEntry(AuditEvent.DENIED, who, reason, what, whence))

    def _has_room(self) -> bool:
        now = time.monotonic()
        self._room = min(_BURST, self._room + (now - self._filled) * _STRANGERS_PER_S)
        self._filled = now
        if self._room < 1:
            return False
        self._room -= 1
        return True


def _reason(error: Exception) -> str | None:
    """Why, in the word that the reply has; None for what is no denial."""
    if isinstance(error, ExpiredToken):
        return "token-expired"
    if isinstance(error, InvalidToken):
        return "token-invalid"
    return error.reason if isinstance(error, (Denied, Unauthenticated, Missing)) else None

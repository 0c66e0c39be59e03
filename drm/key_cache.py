"""Opened content keys, kept for a while: a key service that is away for minutes stops nobody.

An entry is used without asking while it is fresh; after that only while the key service does not
answer, and never beyond its hard limit. It is found by the whole row: a row that was altered
finds nothing. Python cannot wipe memory: dropping an entry forgets it, no more.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from catalog.records import WrappedKeyRecord
from drm.model import ContentKey

FRESH_S = 300.0  # a key that the service no longer opens goes on opening for so long
STALE_S = 1500.0  # 25 minutes: fresh, plus an outage of 15 minutes, plus slack
_MAX_KEYS = 16384  # about 1 KiB each


@dataclass(frozen=True, slots=True)
class _Entry:
    key: ContentKey
    opened: float  # by the clock


class KeyCache:
    """Bounded in time and in number; the oldest goes first."""

    def __init__(
        self, *, max_keys: int = _MAX_KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._entries: OrderedDict[WrappedKeyRecord, _Entry] = OrderedDict()  # oldest first

    def fresh(self, record: WrappedKeyRecord) -> ContentKey | None:
        """The key of a row that was opened lately."""
        return self._younger(record, FRESH_S)

    def stale(self, record: WrappedKeyRecord) -> ContentKey | None:
        """The key of a row that may still be used where nobody can be asked."""
        return self._younger(record, STALE_S)

    def put(self, record: WrappedKeyRecord, key: ContentKey) -> None:
        """Keep what a row was just opened to."""
        now = self._clock()
        self._entries[record] = _Entry(key, now)
        self._entries.move_to_end(record)
        while self._entries:
            first = next(iter(self._entries))
            if len(self._entries) <= self._max_keys and now - self._entries[first].opened < STALE_S:
                break
            del self._entries[first]

    def drop(self, record: WrappedKeyRecord) -> None:
        """Forget a row that does not open any more."""
        self._entries.pop(record, None)

    def __len__(self) -> int:
        return len(self._entries)

    def _younger(self, record: WrappedKeyRecord, age_s: float) -> ContentKey | None:
        entry = self._entries.get(record)
        if entry is None or self._clock() - entry.opened >= age_s:
            return None
        return entry.key

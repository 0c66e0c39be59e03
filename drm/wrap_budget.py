"""How often a KEK version has wrapped, counted in the catalog before it wraps.

A random 96-bit nonce is safe for 2**32 wraps under one key (NIST SP 800-38D, 8.3); a version is
refused at half of that. Counts are taken in blocks, so that a process asks the catalog once for
many wraps; what a process that ended had left of its block counts as used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from catalog import keks
from catalog.engine import Catalog
from drm.errors import KekExhausted
from drm.kek import Kek

MAX_WRAPS = 2**31
_WARN = MAX_WRAPS * 9 // 10
_BLOCK = 64

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class WrapBudget:
    """The count of one process. Must not be asked inside a write transaction of the catalog."""

    def __init__(self, catalog: Catalog, clock: Callable[[], datetime] = _now) -> None:
        self._catalog = catalog
        self._clock = clock
        self._left: dict[Kek, int] = {}

    async def take(self, kek: Kek) -> None:
        """Count one wrap. KekExhausted when that version has wrapped enough."""
        left = self._left.get(kek, 0)
        if not left:
            await self._reserve(kek)
            left = self._left[kek]
        self._left[kek] = left - 1

    async def _reserve(self, kek: Kek) -> None:
        async with self._catalog.begin() as tx:
            wraps = await keks.count_wraps(tx, kek.id, kek.version, _BLOCK, self._clock())
        place = f"KEK {kek.id} version {kek.version}"
        if wraps > MAX_WRAPS:
            raise KekExhausted(place, "it has wrapped 2^31 keys", "headwater keys rotate")
        if wraps > _WARN:
            _log.warning("%s has wrapped %d of at most %d keys: rotate it", place, wraps, MAX_WRAPS)
        self._left[kek] = self._left.get(kek, 0) + _BLOCK

"""Content keys for those who are entitled: rows remembered for a while, opened ones for less."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from catalog import keys
from catalog.engine import Catalog
from catalog.records import WrappedKeyRecord
from drm.errors import WrongKek
from drm.keyring import Keyring
from drm.model import ContentKey
from origin.cache import Cache, Gathering
from origin.outage import Known, Outage

_ROWS = 65536  # about 1 KiB each
_TTL_S = 60.0  # a row only ever changes by a rotation, which leaves the old one good for a day
# What everybody plays is opened twice a second, not for each listener. Beyond that a key that the
# KEK does not open any more must not be given out.
_OPEN_S = 0.5


@dataclass(slots=True)
class _Held:
    record: WrappedKeyRecord
    until: float  # time.monotonic()
    key: ContentKey | None = None  # shows no bytes
    key_until: float = 0.0  # time.monotonic()


class KeyRows:
    """The catalog's wrapped keys, and the keyring that opens them. Rights are others' matter."""

    def __init__(self, catalog: Catalog, keyring: Keyring, outage: Outage) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._outage = outage
        self._rows: Cache[bytes, _Held] = Cache(_ROWS)
        self._loads: Gathering[bytes, WrappedKeyRecord | None] = Gathering(self._load)

    async def get(self, kid: bytes) -> WrappedKeyRecord | None:
        """The row of a key. None where there is none, which is not remembered: it may come."""
        held = self._rows.get(kid)
        if held is not None and time.monotonic() < held.until:
            return held.record
        known: Known[WrappedKeyRecord | None] | None = None
        if held is not None:
            known = Known(held.record, held.until - _TTL_S)
        return await self._outage.ask(lambda: self._loads.get(kid), known)

    def opened(self, kid: bytes) -> tuple[WrappedKeyRecord, ContentKey] | None:
        """A row and its key, where both are remembered."""
        held = self._rows.get(kid)
        if held is None or held.key is None:
            return None
        now = time.monotonic()
        return (held.record, held.key) if now < held.until and now < held.key_until else None

    async def open(self, record: WrappedKeyRecord) -> ContentKey:
        """Open a key; where the row was remembered and does not open, as the catalog has it now."""
        now = time.monotonic()
        held = self._rows.get(record.kid)
        if held is None or held.record is not record:
            return await self._open(record)
        if held.key is None or now >= held.key_until:
            held.key = await self._open(record)
            held.key_until = now + _OPEN_S
        return held.key

    async def _open(self, record: WrappedKeyRecord) -> ContentKey:
        try:
            return await self._keyring.unwrap(record)
        except WrongKek:
            now = await self._loads.get(record.kid)
            if now is None or now == record:
                raise
            return await self._keyring.unwrap(now)

    async def _load(self, kids: Collection[bytes]) -> dict[bytes, WrappedKeyRecord | None]:
        async with self._catalog.connect() as tx:
            found = await keys.of_kids(tx, kids)
        until = time.monotonic() + _TTL_S
        for kid, record in found.items():
            self._rows.put(kid, _Held(record, until))
        return {kid: found.get(kid) for kid in kids}

    async def close(self) -> None:
        """Stop running look-ups."""
        await self._loads.close()

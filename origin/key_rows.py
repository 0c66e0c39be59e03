"""Content keys for those who are entitled: rows remembered for a while, opened ones for less."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from catalog import keys
from catalog.engine import Catalog
from catalog.errors import CatalogError
from catalog.records import WrappedKeyRecord
from drm import clearkey
from drm.errors import DrmError, WrongKek
from drm.keyring import Keyring
from drm.model import ContentKey
from origin.cache import Cache, Gathering
from origin.outage import Known, Outage

_ROWS = 65536  # about 1 KiB each
_TTL_S = 60.0  # a row only ever changes by a rotation, which leaves the old one good for a day
# What everybody plays is opened twice a second, not for each listener. Beyond that a key that the
# KEK does not open any more must not be given out.
_OPEN_S = 0.5
_AT_ONCE = 50  # keys that are opened again before others have their turn


@dataclass(slots=True)
class _Held:
    record: WrappedKeyRecord
    until: float  # time.monotonic()
    key: ContentKey | None = None  # shows no bytes
    jwk: str = field(default="", repr=False)  # the key as licenses have it
    key_until: float = 0.0  # time.monotonic()
    is_aging: bool = False  # it is in use, and soon to be opened again


class KeyRows:
    """The catalog's wrapped keys, and the keyring that opens them. Rights are others' matter."""

    def __init__(self, catalog: Catalog, keyring: Keyring, outage: Outage) -> None:
        self._catalog = catalog
        self._keyring = keyring
        self._outage = outage
        self._rows: Cache[bytes, _Held] = Cache(_ROWS)
        self._aging: list[_Held] = []
        self._opening: asyncio.Task[None] | None = None
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

    def opened(self, kid: bytes) -> tuple[WrappedKeyRecord, str] | None:
        """A row and its key as a JWK, where both are remembered."""
        held = self._rows.get(kid)
        if held is None or held.key is None:
            return None
        now = time.monotonic()
        if now >= held.until or now >= held.key_until:
            return None
        if not held.is_aging and now > held.key_until - _OPEN_S / 2:
            self._age(held)
        return held.record, held.jwk

    def _age(self, held: _Held) -> None:
        """Have a key opened again, so that whoever asks next need not wait for it."""
        held.is_aging = True
        self._aging.append(held)
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_again())

    async def _open_again(self) -> None:
        try:
            while self._aging:
                aging, self._aging = self._aging, []
                for number, held in enumerate(aging, 1):
                    held.is_aging = False
                    try:
                        await self.open(held.record, again=True)
                    except (DrmError, CatalogError):  # whoever asks for it next is told
                        held.key = None
                    if number % _AT_ONCE == 0:
                        await asyncio.sleep(0)
        finally:
            self._opening = None

    async def open(self, record: WrappedKeyRecord, *, again: bool = False) -> ContentKey:
        """Open a key; where the row was remembered and does not open, as the catalog has it now."""
        now = time.monotonic()
        held = self._rows.get(record.kid)
        if held is None or held.record is not record:
            return await self._open(record)
        if again or held.key is None or now >= held.key_until:
            held.key = await self._open(record)
            held.jwk = clearkey.jwk(held.key)
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
        async with self._catalog.glance() as tx:
            found = await keys.of_kids(tx, kids)
        until = time.monotonic() + _TTL_S
        for kid, record in found.items():
            self._rows.put(kid, _Held(record, until))
        return {kid: found.get(kid) for kid in kids}

    async def close(self) -> None:
        """Stop running look-ups."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._loads.close()

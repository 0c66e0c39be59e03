"""Moving every stored key under the current KEK version, while all of them stay in use.

A row is exchanged only where it still is as it was read, so that a second run beside this one,
or a run after one that was killed, does no harm: each row is under the old version or the new
one, and opens. The key itself never changes: nothing is packaged again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from catalog import external_keys, keys
from catalog.engine import Catalog, Tx
from catalog.records import WrappedKeyRecord
from drm.audit import AuditEvent, Auditor
from drm.errors import WrongKek
from drm.kek import Kek
from drm.keyring import Keyring, key_name

_BATCH = 200  # rows per transaction: other writers wait a few milliseconds
_PASSES = 5  # over rows that others add meanwhile

_Changes = Sequence[tuple[WrappedKeyRecord, WrappedKeyRecord]]
_Replace = Callable[[Tx, _Changes], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What a run came to."""

    kek: Kek  # the current version
    rotated: bool  # whether this run made it; else it went on with what was begun before
    keys: int  # that were moved
    failed: tuple[str, ...] = ()  # `KID: why`, of those that did not open


@dataclass(slots=True)
class Rotation:
    """One run."""

    catalog: Catalog
    keyring: Keyring
    auditor: Auditor
    on_progress: Callable[[int], None] = lambda _keys: None
    _failed: dict[tuple[str, bytes, str], str] = field(default_factory=dict)

    async def run(self, *, new_version: bool = True) -> Rewrapped:
        """Make a new KEK version and move all keys under it.

        Where keys are left under an older one, an earlier run did not come to its end: this one
        goes on with that, and makes no version. But where none of those opens, it makes one: rows
        that are damaged must not keep all others from being moved, now and ever after. Without
        `new_version` it never makes one.
        """
        kek = await self.keyring.kek.current()
        count, is_new = 0, new_version
        if not new_version or await self._remain(kek):
            count = await self._move_all()
            is_new = new_version and not count and bool(self._failed)
        if is_new:
            before, kek = kek, await self.keyring.kek.rotate()
            what = {"kek": kek.id, "version": kek.version, "before": before.version}
            await self.auditor.record(AuditEvent.KEK_ROTATED, "rotation", what)
            count = await self._move_all()
        kek = await self.keyring.kek.current()
        return Rewrapped(kek, is_new, count, tuple(self._failed.values()))

    async def _move_all(self) -> int:
        count = 0
        for _ in range(_PASSES):
            # Another run may have made one more version.
            moved = await self._pass(await self.keyring.kek.current())
            count += moved
            if not moved:
                break
        return count

    async def _remain(self, kek: Kek) -> bool:
        async with self.catalog.connect() as tx:
            return any(under != (kek.id, kek.version) for under in await keys.count_under(tx))

    async def _pass(self, kek: Kek) -> int:
        count = 0
        async for found, replace in self._not_under(kek):
            count += await self._move(kek, found, replace)
            self.on_progress(count)
        return count

    async def _not_under(
        self, kek: Kek
    ) -> AsyncIterator[tuple[tuple[WrappedKeyRecord, ...], _Replace]]:
        """Batches of what is left, of tracks and then of packagers' contents."""
        after = b""
        while True:
            async with self.catalog.connect() as tx:
                found = await keys.not_under(tx, kek.id, kek.version, after, _BATCH)
            if not found:
                break
            after = found[-1].kid
            yield found, keys.replace_wrapping
        number = 0
        while True:
            async with self.catalog.connect() as tx:
                others = await external_keys.not_under(tx, kek.id, kek.version, number, _BATCH)
            if not others:
                break
            number = others[-1][0]
            yield tuple(record for _, record in others), external_keys.replace_wrapping

    async def _move(self, kek: Kek, found: tuple[WrappedKeyRecord, ...], replace: _Replace) -> int:
        changes = []
        for record in found:
            new = await self._rewrapped(record)
            if new is not None:
                changes.append((record, new))
        async with self.catalog.begin() as tx:
            count = await replace(tx, changes)
        if count:
            # After the fact: a batch that was moved and not recorded is harmless, as is the
            # rotation that a killed run leaves half done.
            what = {"kek": kek.id, "version": kek.version, "keys": count}
            await self.auditor.record(AuditEvent.KEYS_REWRAPPED, "rotation", what)
        return count

    async def _rewrapped(self, record: WrappedKeyRecord) -> WrappedKeyRecord | None:
        place = (record.track_id, record.kid, record.scheme)
        if place in self._failed:
            return None
        try:
            return await self.keyring.rewrap(record)
        except WrongKek as exc:
            self._failed[place] = f"{key_name(record)}: {exc}"
            return None

"""A track out of everybody's reach: `headwater takedown`.

The catalog comes first: from that transaction on no origin gives manifests, keys or licenses (each
remembers a track's state for two seconds). Then the static manifests go, so that a plain bucket
does not play it either. What is encrypted may stay: `lift` brings it back.

With `destroy` the wrapped keys are deleted, which makes every copy of the encrypted files useless,
wherever it is; and whatever is not encrypted goes, too: all objects of all revisions, and the
archived masters that nothing else was made of. That is for good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalog import housekeeping, keys, masters, takedowns
from catalog.engine import Catalog
from drm.audit import AuditEvent, Auditor
from packager import index
from packager.model import Kid
from packager.systems import KeySystems
from pipeline.housekeeping.archive import delete_master
from pipeline.housekeeping.collect import Run, remove_objects
from pipeline.manifests import static_manifests
from storage.base import ObjectNotFound, ObjectStore
from storage.naming import PACKAGE_INDEX, track_object, track_prefix

_MANIFESTS = (".m3u8", ".mpd")
_ALL = 10_000  # revisions of one track


@dataclass(frozen=True, slots=True)
class TakenAway:
    """What came of it."""

    track_id: str
    revisions: tuple[str, ...]
    objects: int  # that were deleted
    keys: tuple[str, ...]  # KIDs that were destroyed
    masters: tuple[str, ...]  # object keys of archived masters that were deleted
    purge: tuple[str, ...]  # paths of the origin that caches may hold: everything under each


@dataclass(frozen=True, slots=True)
class Takedown:
    """Does it, and undoes what can be undone."""

    catalog: Catalog
    store: ObjectStore
    auditor: Auditor
    clock: Callable[[], datetime]
    systems: KeySystems
    cold: ObjectStore | None = None
    on_note: Callable[[str], None] = field(default=lambda _: None)

    async def take_down(self, track_id: str, reason: str, run: Run | None = None) -> TakenAway:
        """Take it down; with a `run` its keys are destroyed as well. May be done again."""
        async with self.catalog.connect(fresh=True) as tx:
            before = await housekeeping.revision_page(tx, ("", ""), _ALL, track_id=track_id)
            records = await keys.page(tx, b"", _ALL, track_id=track_id)
            archived = await masters.of_track(tx, track_id) if run else ()
        kids = tuple(str(Kid(record.kid)) for record in records) if run else ()
        await self.auditor.record(
            AuditEvent.TAKEDOWN, reason, {"track": track_id, "destroy": run is not None}
        )
        await self.auditor.record(
            AuditEvent.KEY_DESTROYED, reason, *({"kid": kid, "track": track_id} for kid in kids)
        )
        now = self.clock()
        async with self.catalog.begin() as tx:
            await takedowns.take_down(tx, track_id, self.auditor.who, reason, now)
            if run is not None:
                await takedowns.shred(tx, track_id, now)
        if run is not None and not await takedowns.flush(self.catalog):
            self.on_note(
                f"{track_id}: the catalog is being read, so its files still hold the wrapped keys: "
                "take it down once more when that has ended"
            )
        objects = 0
        for stored in before:
            prefix = track_prefix(*stored.name)
            found = [info.key async for info in self.store.list(prefix)]
            doomed = found if run else [key for key in found if key.endswith(_MANIFESTS)]
            await remove_objects(self.store, doomed)
            objects += len(doomed)
        if run is not None:
            objects += await self._leftovers(track_id)
            for one in archived:
                await self._forget_master(run, one)
        return TakenAway(
            track_id,
            tuple(stored.revision for stored in before),
            objects,
            kids,
            tuple(one.object_key for one in archived),
            (f"/v1/t/*/tracks/{track_id}/",),
        )

    async def lift(self, track_id: str) -> int:
        """Forget a takedown and write the static manifests again; how many. Still unpublished."""
        await self.auditor.record(AuditEvent.TAKEDOWN, "lifted", {"track": track_id})
        async with self.catalog.connect(fresh=True) as tx:
            page = await housekeeping.revision_page(tx, ("", ""), _ALL, track_id=track_id)
        written = 0
        for stored in page:
            try:
                data = await self.store.get(track_object(*stored.name, PACKAGE_INDEX))
            except ObjectNotFound:
                self.on_note(f"{stored.track_id}/{stored.revision}: no package index")
                continue
            for file, text in static_manifests(index.decode(data), self.systems):
                await self.store.put(track_object(*stored.name, file), text)
                written += 1
        async with self.catalog.begin() as tx:
            await takedowns.lift(tx, track_id)
        return written

    async def _leftovers(self, track_id: str) -> int:
        """Objects of revisions that the catalog did not know (any more)."""
        found = [info.key async for info in self.store.list(f"tracks/{track_id}/")]
        await remove_objects(self.store, found)
        return len(found)

    async def _forget_master(self, run: Run, one: masters.MasterRecord) -> None:
        if one.place is masters.Place.STORAGE:
            await delete_master(run, one, "taken down")
            return
        if self.cold is None:
            self.on_note(f"{one.object_key}: it is in an archive that the settings do not name")
            return
        await delete_master(replace(run, store=self.cold), one, "taken down")

"""A track out of everybody's reach: `headwater takedown`.

The catalog comes first: from that transaction on no origin gives manifests, keys or licenses (each
remembers a track's state for two seconds). Then the static manifests go, so that a plain bucket
does not play it either. The media files stay, so that `lift` brings them back: of those that are
not encrypted, clear tracks and downloads, `on_note` is told.

With `destroy` the wrapped keys are deleted, which makes every copy of the encrypted files useless,
wherever it is; and whatever is not encrypted goes, too: all objects of all revisions, and the
archived masters that nothing else was made of. That is for good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from catalog import housekeeping, keys, takedowns
from catalog.engine import Catalog
from catalog.housekeeping import StoredRevision
from drm.audit import AuditEvent, Auditor
from packager import index
from packager.model import Kid, Scheme
from packager.systems import KeySystems
from pipeline.housekeeping.archive import destroy_masters
from pipeline.housekeeping.collect import Run, remove_objects
from pipeline.manifests import static_manifests
from storage.base import ObjectNotFound, ObjectStore
from storage.naming import PACKAGE_INDEX, track_object, track_prefix

_MANIFESTS = (".m3u8", ".mpd")
_DOWNLOAD = "download-"  # plain files for whoever may keep them
_TRACK_FILE = ".mp4"
_ALL = 10_000  # revisions of one track


@dataclass(frozen=True, slots=True)
class TakenAway:
    """What came of it."""

    track_id: str
    revisions: tuple[str, ...]
    objects: int  # that were deleted
    keys: tuple[str, ...]  # KIDs that were destroyed
    masters: tuple[str, ...]  # object keys of archived masters that were deleted
    kept: tuple[str, ...]  # and of those that could not be: they are still there
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
        now = self.clock()
        destroys = {"track": track_id, "destroy": run is not None}
        await self.auditor.record(AuditEvent.TAKEDOWN, reason, destroys)
        async with self.catalog.begin() as tx:
            await takedowns.take_down(tx, track_id, self.auditor.who, reason, now)
        # Only now is it certain that nothing more is published: a delivery may just have ended.
        async with self.catalog.connect(fresh=True) as tx:
            stored = await housekeeping.revision_page(tx, ("", ""), _ALL, track_id=track_id)
        kids = await self._shred(track_id, reason, now) if run else ()
        objects = 0
        for one in stored:
            found = [info.key async for info in self.store.list(track_prefix(*one.name))]
            doomed = found if run else [key for key in found if key.endswith(_MANIFESTS)]
            await remove_objects(self.store, doomed)
            objects += len(doomed)
            if run is None:
                self._tell_of_clear(one, found)
        gone: tuple[str, ...] = ()
        kept: tuple[str, ...] = ()
        if run is not None:
            objects += await self._leftovers(track_id)
            gone, kept = await destroy_masters(run, self.cold, track_id)
        revisions = tuple(one.revision for one in stored)
        purge = (f"/v1/t/*/tracks/{track_id}/",)
        return TakenAway(track_id, revisions, objects, kids, gone, kept, purge)

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

    async def _shred(self, track_id: str, reason: str, now: datetime) -> tuple[str, ...]:
        """Destroy the keys of a track that is down, each in the audit first; their KIDs."""
        async with self.catalog.connect(fresh=True) as tx:
            records = await keys.page(tx, b"", _ALL, track_id=track_id)
        kids = tuple(str(Kid(record.kid)) for record in records)
        await self.auditor.record(
            AuditEvent.KEY_DESTROYED, reason, *({"kid": kid, "track": track_id} for kid in kids)
        )
        async with self.catalog.begin() as tx:
            await takedowns.shred(tx, track_id, now)
        if not await takedowns.flush(self.catalog):
            self.on_note(
                f"{track_id}: the catalog is being read, so its files still hold the wrapped keys: "
                "take it down once more when that has ended"
            )
        return kids

    def _tell_of_clear(self, one: StoredRevision, keys_: Sequence[str]) -> None:
        """Say what stays that anybody can play who may read the storage and knows where it is."""
        is_clear = one.scheme == Scheme.CLEAR
        clear = [
            key
            for key in keys_
            if (name := key.rpartition("/")[2]).startswith(_DOWNLOAD)
            or (is_clear and name.endswith(_TRACK_FILE))
        ]
        if clear:
            self.on_note(
                f"{one.track_id}/{one.revision}: {len(clear)} files that are not encrypted stay in "
                f"the storage, {clear[0]} for one (--destroy-keys deletes them)"
            )

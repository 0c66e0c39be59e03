"""The objects of a revision: put into the storage before it is published, or taken out again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from catalog import tracks
from catalog.engine import Catalog
from catalog.errors import CatalogError, NotFound
from catalog.masters import MasterRecord
from catalog.masters import Place as MasterPlace
from packager import index
from packager.model import Package
from pipeline.companions import Companions, store_companions
from pipeline.manifests import static_manifests
from pipeline.master import Master, require_unchanged
from pipeline.packaging import Packaged
from pipeline.workshop import Workshop
from storage.base import ObjectStore, StorageError
from storage.naming import PACKAGE_INDEX, cover_object, master_object, track_object

_log = logging.getLogger(__name__)


async def store_revision(
    shop: Workshop,
    master: Master,
    package: Package,
    packaged: Packaged,
    companions: Companions,
    on_progress: Callable[[float], None],
) -> MasterRecord | None:
    """Put everything into the storage; the archived master, if the settings want one there.

    Track files first, the package index last: where it is, everything is.
    """

    def key(file: str) -> str:
        return track_object(package.track_id, package.revision, file)

    if master.cover:
        await shop.store.put(
            cover_object(master.cover.sha256, master.cover.ending), master.cover.data
        )
    await store_companions(shop.store, package, companions)
    for number, one in enumerate(package.files()):
        on_progress(number / len(packaged.files))
        await shop.store.put_file(key(one.file), packaged.files[one.name])
    for file, text in static_manifests(package, shop.systems):
        await shop.store.put(key(file), text)
    await shop.store.put(key(PACKAGE_INDEX), index.encode(package))
    return await _archive(shop, master)


async def discard(store: ObjectStore, catalog: Catalog, prefix: str) -> bool:
    """Delete the objects of a revision that was not published. One that was is left alone.

    False where that failed; it is logged, so that what failed before it is what is raised.
    """
    _, track, revision, _ = prefix.split("/")
    try:
        async with catalog.connect() as tx:
            with suppress(NotFound):
                await tracks.revision(tx, track, revision)
                return True
        # The index first: an unfinished revision must not look like a whole one.
        await store.delete(prefix + PACKAGE_INDEX)
        async for found in store.list(prefix):
            await store.delete(found.key)
    except (StorageError, CatalogError) as exc:
        _log.warning("objects under %s are left over: %s", prefix, exc)
        return False
    return True


async def _archive(shop: Workshop, master: Master) -> MasterRecord | None:
    """Put the master itself into the storage, if the settings want it there."""
    if shop.settings.archive == "none":
        return None
    key = master_object(master.sha256, master.sound.form)
    stored = await shop.store.put_file(key, master.path)
    require_unchanged(master)  # what was copied is what was hashed
    return MasterRecord(master.sha256, key, stored.size, MasterPlace.STORAGE, shop.clock())

"""Finds what nobody needs any more, and removes it when it is told to: `headwater gc`.

The order in which things go is what makes it safe to be killed at any instant:

- A superseded revision goes out of the catalog first, with its keys, in one transaction; then its
  objects. Killed in between, it has left orphans, which the next run finds. The other way round it
  would leave a revision that can be rolled back to and does not play.
- An orphan under `tracks/` is one that the catalog does not know, that no running job writes, and
  whose youngest object is old enough. Every attempt of a job has a prefix of its own, so nobody
  ever begins to need one that is old.
- What tracks share is in `shared`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from catalog import housekeeping
from catalog.batches import arriving
from catalog.engine import Catalog
from catalog.housekeeping import Name
from configs.settings import HousekeepingSettings
from pipeline.errors import PipelineError
from storage.base import ObjectInfo, ObjectStore, Sweepable
from storage.naming import PACKAGE_INDEX, split_track_key, track_prefix

_PAGE = 200
_FEW = 10  # orphans that a catalog of hardly any tracks may have


class Kind(StrEnum):
    """What is collected."""

    REVISION = "revision"
    ORPHAN = "orphan"
    COVER = "cover"
    MASTER = "master"
    WRITE = "unfinished write"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that goes, or would go."""

    kind: Kind
    name: str  # a prefix ending in "/", or an object key
    objects: int
    bytes: int
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """What every part of a collection works with. Unless `delete`, nothing is changed."""

    catalog: Catalog
    store: ObjectStore
    settings: HousekeepingSettings
    clock: Callable[[], datetime]
    delete: bool = False
    force: bool = False
    on_item: Callable[[Item], None] = field(default=lambda _: None)
    on_note: Callable[[str], None] = field(default=lambda _: None)

    def ago(self, seconds: float) -> datetime:
        """That long before now."""
        return self.clock() - timedelta(seconds=seconds)


class TooMuch(PipelineError):
    """More is orphaned than is known: the catalog is hardly the one of this storage."""

    def __init__(self, orphans: int, known: int) -> None:
        super().__init__(
            f"the catalog does not know {orphans} prefixes of the storage, and knows {known}:"
            " nothing was removed of them (is it the catalog of this storage? then say --force)"
        )


@dataclass(slots=True)
class _Prefix:
    """The objects of one revision, as they are listed."""

    name: Name
    youngest: datetime | None = None
    is_dated: bool = True  # whether the store says when each was written

    def add(self, info: ObjectInfo) -> None:
        if info.modified is None:
            self.is_dated = False
        elif self.youngest is None or info.modified > self.youngest:
            self.youngest = info.modified

    def is_older(self, than: datetime) -> bool:
        return self.is_dated and self.youngest is not None and self.youngest < than


async def collect_revisions(run: Run) -> None:
    """Superseded revisions whose grace period is over."""
    before = run.ago(run.settings.revision_grace_s)
    after: Name = ("", "")
    while True:
        async with run.catalog.connect(fresh=True) as tx:
            page = await housekeeping.superseded_page(tx, before, after, _PAGE)
        for name, since in page:
            if run.delete:
                async with run.catalog.begin() as tx:
                    if not await housekeeping.expire(tx, name, before):
                        continue
            why = f"not current since {since:%Y-%m-%d %H:%M} at the latest"
            await _remove(run, Kind.REVISION, name, why)
        if len(page) < _PAGE:
            return
        after = page[-1][0]


async def collect_orphans(run: Run) -> None:
    """What is under `tracks/` and no revision: all of it is found before any of it goes.

    TooMuch where that is more than what is known, unless `force`.
    """
    before = run.ago(run.settings.orphan_age_s)
    orphans: list[_Prefix] = []
    known = 0
    async for batch in arriving(_prefixes(run), _PAGE):
        needed = await _needed(run, (one.name for one in batch))
        known += len(needed)
        orphans += [one for one in batch if one.name not in needed and one.is_older(before)]
    if len(orphans) > max(known, _FEW) and run.delete and not run.force:
        raise TooMuch(len(orphans), known)
    for one in orphans:
        if not await _needed(run, [one.name]):
            why = f"the catalog has no such revision; written {one.youngest:%Y-%m-%d %H:%M}"
            await _remove(run, Kind.ORPHAN, one.name, why)


async def collect_writes(run: Run) -> None:
    """What writes that were killed have left in the store itself."""
    if not isinstance(run.store, Sweepable):
        return
    async for name in run.store.leftovers(run.ago(run.settings.orphan_age_s)):
        if run.delete:
            await run.store.sweep(name)
        run.on_item(Item(Kind.WRITE, name, 1, 0, "begun, and never completed"))


async def remove_objects(store: ObjectStore, keys: Iterable[str]) -> None:
    """Delete objects of a revision, the package index first: half of one is never a whole one."""
    for key in sorted(keys, key=lambda key: not key.endswith("/" + PACKAGE_INDEX)):
        await store.delete(key)


async def _remove(run: Run, kind: Kind, name: Name, why: str) -> None:
    prefix = track_prefix(*name)
    found = [info async for info in run.store.list(prefix)]
    if run.delete:
        await remove_objects(run.store, [info.key for info in found])
    run.on_item(Item(kind, prefix, len(found), sum(info.size for info in found), why))


async def _needed(run: Run, names: Iterable[Name]) -> frozenset[Name]:
    """Those that the catalog knows, or that a running job may be writing."""
    asked = frozenset(names)
    async with run.catalog.connect(fresh=True) as tx:
        # In this order: a job that publishes meanwhile is seen by one or the other.
        written = await housekeeping.being_written(tx)
        return await housekeeping.known(tx, asked) | (written & asked)


async def _prefixes(run: Run) -> AsyncIterator[_Prefix]:
    """Revisions as the storage has them."""
    current: _Prefix | None = None
    async for info in run.store.list("tracks/"):
        parts = split_track_key(info.key)
        if parts is None:
            run.on_note(f"{info.key}: not a name of ours, left alone")
            continue
        if current is None or current.name != parts[:2]:
            if current is not None:
                yield current
            current = _Prefix(parts[:2])
        current.add(info)
    if current is not None:
        yield current

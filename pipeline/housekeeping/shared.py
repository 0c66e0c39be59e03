"""What tracks share, and may go when none needs it: covers and archived masters.

Both are named by their content, so a job may find one there and not write it again, just when it
was about to go. So a job says in a transaction that it begins to write; these go a few at a time
inside a transaction that keeps such jobs waiting, and only while no job writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog import housekeeping, masters
from catalog.batches import arriving
from catalog.engine import Tx
from catalog.housekeeping import Name
from packager import index
from packager.errors import PackagerError
from pipeline.errors import PipelineError
from pipeline.housekeeping.collect import Item, Kind, Run
from storage.base import ObjectInfo, ObjectNotFound
from storage.naming import PACKAGE_INDEX, cover_object, track_object

_PAGE = 200
_BATCH = 20  # deleted in one transaction: writers wait that long
_PARALLEL = 8  # package indexes read side by side
_MARKS = 1 << 30  # bits: 128 MiB, of which the system gives what is touched
_SKEW = timedelta(minutes=10)  # between the clocks of those who publish and ours
_TRIES = 5  # to find a moment in which nobody writes
_PAUSE_S = 0.5

Choice = Callable[[Tx, list[str]], Awaitable[frozenset[str]]]


class UnreadableIndex(PipelineError):
    """A package index cannot be read, so that nobody knows which covers it needs."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"they stay: {problem} (`headwater verify` says of which revision)")


async def collect_covers(run: Run) -> None:
    """Covers that neither a release nor the package index of any revision names.

    The indexes are millions of small objects, so they are read only where a release does not show
    a cover: one that was replaced, or that nothing ever showed.
    """
    began = run.clock() - _SKEW
    shown = await _covers_of_releases(run)
    doomed = {info.key: info async for info in _old(run, "covers/") if info.key not in shown}
    await _keep_pictures(run, doomed)
    late = _Late(run, began)
    await remove_shared(run, Kind.COVER, doomed, late.needed, "no release and no revision has it")


class _Marks:
    """Keys that were seen, in the same memory however many they are.

    Two keys may look alike: among ten million, one of a hundred that were not seen. It is thought
    to be needed then. Python salts hashes anew in each process, so that another night tells.
    """

    def __init__(self) -> None:
        self._bits = bytearray(_MARKS // 8)

    def add(self, key: str) -> None:
        place, bit = divmod(hash(key) % _MARKS, 8)
        self._bits[place] |= 1 << bit

    def __contains__(self, key: str) -> bool:
        place, bit = divmod(hash(key) % _MARKS, 8)
        return bool(self._bits[place] >> bit & 1)


@dataclass(slots=True)
class _Late:
    """The covers of what was published since an instant: only what is new is looked at again."""

    run: Run
    began: datetime
    _seen: frozenset[Name] = frozenset()
    _used: frozenset[str] = frozenset()

    async def needed(self, tx: Tx, keys: list[str]) -> frozenset[str]:
        """Which of these are needed now. Writers wait meanwhile, so it asks for little."""
        new = await housekeeping.published_since(tx, self.began) - self._seen
        if new:
            self._used |= await _pictures_of(self.run, new)
            self._seen |= new
        return await housekeeping.covers_in_use(tx, keys) | (self._used & frozenset(keys))


async def collect_masters(run: Run) -> None:
    """Masters in the storage that the archive does not know to be there."""
    doomed: dict[str, ObjectInfo] = {}
    async for page in arriving(_old(run, "masters/"), _PAGE):
        async with run.catalog.connect(fresh=True) as tx:
            known = await masters.known(tx, [info.key for info in page])
        doomed.update((info.key, info) for info in page if info.key not in known)
    await remove_shared(run, Kind.MASTER, doomed, masters.known, "the archive does not know it")


async def remove_shared(
    run: Run, kind: Kind, doomed: dict[str, ObjectInfo], needed: Choice, why: str
) -> None:
    """Remove objects while nobody writes; what is `needed` by then stays."""
    keys = list(doomed)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        gone = await _remove_batch(run, batch, needed) if run.delete else batch
        if gone is None:
            run.on_note(f"{len(keys) - start} of kind {kind} stay: jobs are writing all the time")
            return
        for key in gone:
            run.on_item(Item(kind, key, 1, doomed[key].size, why))


async def _remove_batch(run: Run, keys: list[str], needed: Choice) -> list[str] | None:
    """The keys that were removed; None where there was no moment for it."""
    for _ in range(_TRIES):
        async with run.catalog.begin() as tx:
            if await housekeeping.keep_writers_out(tx):
                still = await needed(tx, keys)
                gone = [key for key in keys if key not in still]
                for key in gone:
                    await run.store.delete(key)
                return gone
        await asyncio.sleep(_PAUSE_S)
    return None


async def _old(run: Run, prefix: str) -> AsyncIterator[ObjectInfo]:
    before = run.ago(run.settings.orphan_age_s)
    async for info in run.store.list(prefix):
        if info.modified is not None and info.modified < before:
            yield info


async def _covers_of_releases(run: Run) -> _Marks:
    found = _Marks()
    after = ""
    while True:
        async with run.catalog.connect(fresh=True) as tx:
            page = await housekeeping.release_page(tx, after, _PAGE)
        if not page:
            return found
        for _, keys in page:
            for key in keys:
                found.add(key)
        after = page[-1][0]


async def _keep_pictures(run: Run, doomed: dict[str, ObjectInfo]) -> None:
    """Take what package indexes name out of what is to go."""
    after: Name = ("", "")
    while doomed:
        async with run.catalog.connect(fresh=True) as tx:
            page = await housekeeping.revision_page(tx, after, _PAGE)
        if not page:
            return
        for key in await _pictures_of(run, [one.name for one in page]):
            doomed.pop(key, None)
        after = page[-1].name


async def _pictures_of(run: Run, names: Iterable[Name]) -> set[str]:
    slots = asyncio.Semaphore(_PARALLEL)

    async def of(name: Name) -> list[str]:
        async with slots:
            try:
                data = await run.store.get(track_object(*name, PACKAGE_INDEX))
            except ObjectNotFound:  # `verify` says so
                return []
        package = index.decode(data)
        return [cover_object(one.sha256, one.ending) for one in package.pictures]

    try:
        found = await asyncio.gather(*(of(name) for name in names))
    except PackagerError as exc:
        # What it names is not known, so nothing may go.
        raise UnreadableIndex(str(exc)) from exc
    return {key for keys in found for key in keys}

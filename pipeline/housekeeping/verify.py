"""Whether everything is there that was published, as it was published: `headwater verify`.

For each revision its objects, the package index against the catalog, the static manifests with
every range that they name, and every key. Beside that the covers of releases, the masters of the
archive, and keys that were given to packagers of another make.

It goes by track and revision, page by page, and only reads. A page that is done is a place to go
on from: a `Position` is what an interrupted run keeps.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from catalog import housekeeping, masters
from catalog.engine import Catalog
from catalog.housekeeping import StoredRevision
from catalog.masters import MasterRecord, Place
from drm.key_admin import external
from pipeline.housekeeping.inspection import Findings, Inspector, Problem
from storage.base import ObjectStore

_PAGE = 50  # revisions; what an interrupted run does again at most
_ALL_OF_A_TRACK = 10_000


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run is: it goes on after this revision."""

    after: tuple[str, str] = ("", "")
    revisions: int = 0
    objects: int = 0
    bytes: int = 0  # that were hashed
    keys: int = 0
    problems: int = 0

    def plus(self, found: Findings, page: Sequence[StoredRevision] = ()) -> Position:
        """The position after these."""
        return Position(
            page[-1].name if page else self.after,
            self.revisions + len(page),
            self.objects + found.objects,
            self.bytes + found.bytes,
            self.keys + found.keys,
            self.problems + len(found.problems),
        )


@dataclass(frozen=True, slots=True)
class Verifier:
    """Looks at everything, or at a part of it. `parallel` revisions side by side."""

    catalog: Catalog
    inspector: Inspector
    cold: ObjectStore | None = None  # where the archive moves masters
    parallel: int = 4
    on_problem: Callable[[Problem], None] = field(default=lambda _: None)
    on_page: Callable[[Position], None] = field(default=lambda _: None)

    async def everything(self, start: Position) -> Position:
        """Go through all of it, from there on."""
        position = start
        while page := await self._page(position.after):
            position = await self._look_at(page, position)
            self.on_page(position)
        found = Findings()
        await self._covers(found)
        await self._masters(found)
        async for record in external(self.catalog):
            await self.inspector.key(record, found)
        self._tell(found)
        return position.plus(found)

    async def track(self, track_id: str) -> Position:
        """Look at all revisions of one track."""
        async with self.catalog.connect() as tx:
            page = await housekeeping.revision_page(
                tx, ("", ""), _ALL_OF_A_TRACK, track_id=track_id
            )
        return await self._look_at(page, Position())

    async def sample(self, count: int) -> Position:
        """Look at so many revisions, drawn at random (one that is drawn again counts once)."""
        drawn: dict[tuple[str, str], StoredRevision] = {}
        for _ in range(count):
            # Track ids are hashes, so the next one after a random one is a random track.
            at = "t" + b32encode(secrets.token_bytes(15)).decode().lower()[:20]
            page = await self._page((at, ""), 1) or await self._page(("", ""), 1)
            drawn.update((one.name, one) for one in page)
        return await self._look_at(tuple(drawn.values()), Position())

    async def _page(self, after: tuple[str, str], limit: int = _PAGE) -> tuple[StoredRevision, ...]:
        async with self.catalog.connect() as tx:
            return await housekeeping.revision_page(tx, after, limit)

    async def _look_at(self, page: Sequence[StoredRevision], position: Position) -> Position:
        slots = asyncio.Semaphore(self.parallel)

        async def one(stored: StoredRevision) -> Findings:
            async with slots:
                return await self._revision(stored)

        for found in await asyncio.gather(*(one(stored) for stored in page)):
            self._tell(found)
            position = position.plus(found)
        return position.plus(Findings(), page)

    async def _revision(self, stored: StoredRevision) -> Findings:
        found = Findings()
        await self.inspector.revision(self.catalog, stored, found)
        if found.problems:
            async with self.catalog.connect(fresh=True) as tx:
                if not await housekeeping.known(tx, [stored.name]):
                    found.problems.clear()  # collected or shredded while it was looked at
        return found

    async def _covers(self, found: Findings) -> None:
        """A cover is named by its hash."""
        after = ""
        while page := await self._releases(after):
            for _, keys in page:
                for key in keys:
                    sha256 = key.rpartition("/")[2].partition(".")[0]
                    await self.inspector.object(key, None, sha256, found)
            after = page[-1][0]

    async def _releases(self, after: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        async with self.catalog.connect() as tx:
            return await housekeeping.release_page(tx, after, _PAGE)

    async def _masters(self, found: Findings) -> None:
        """The archive, wherever each master is now."""
        after = ""
        while True:
            async with self.catalog.connect() as tx:
                page = await masters.page(tx, after, _PAGE)
            if not page:
                return
            for one in page:
                await self._master(one, found)
            after = page[-1].master_sha256

    async def _master(self, one: MasterRecord, found: Findings) -> None:
        inspector = self.inspector
        if one.place is Place.COLD:
            if self.cold is None:
                what = "this master was moved to an archive that the settings do not name"
                found.add(one.object_key, what, "set ingest.archive_path")
                return
            inspector = replace(inspector, store=self.cold)
        await inspector.object(one.object_key, one.size, one.master_sha256, found)

    def _tell(self, found: Findings) -> None:
        for problem in found.problems:
            self.on_problem(problem)

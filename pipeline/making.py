"""A making that is there already: the same master, by the same recipe.

Nothing is encoded again then. What its delivery says of it may be new all the same, as in a
sidecar that was corrected: that is published, with the sound that is there. An operator's edits
since are kept where the delivery says what it said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog import takedowns, tracks
from catalog.publish import redescribe, rollback
from catalog.records import CoverPicture, RevisionRecord, TrackRecord
from packager import index
from pipeline.drafts import release_draft, track_draft, words_sha256
from pipeline.jobs import Job
from pipeline.master import Master
from pipeline.outcomes import outcome_of
from pipeline.progress import Outcome, Status
from pipeline.workshop import Workshop
from storage.base import ObjectNotFound
from storage.naming import PACKAGE_INDEX, cover_object, track_object


@dataclass(frozen=True, slots=True)
class Making:
    """What a job is about to make."""

    shop: Workshop
    job: Job
    source: Path
    master: Master
    track_id: str
    recipe_sha256: str

    async def find(self) -> Outcome | str | None:
        """The outcome where it was made before, which ends the job; None where it was not.

        The revision alone where that should be in the storage, and is not.
        """
        async with self.shop.catalog.connect() as tx:
            await takedowns.require_none(tx, self.track_id)  # publishing looks again
            found = await tracks.find_revision(
                tx, self.track_id, self.master.sha256, self.recipe_sha256
            )
            if found is None:
                return None
            record = await tracks.get(tx, self.track_id)
        try:
            await self.shop.store.head(self._key(found))
        except ObjectNotFound:
            return found.draft.revision
        return await self._settle(record, found)

    async def _settle(self, record: TrackRecord, found: RevisionRecord) -> Outcome:
        revision = found.draft.revision
        is_current = record.current_revision == revision
        words = words_sha256(self.master)
        is_said_anew = found.draft.words_sha256 not in {None, words}
        pictures = await self._pictures(found) if is_said_anew else ()
        if is_said_anew and (cover := self.master.cover):
            # It may be a release's again, and gone meanwhile; no job writes while `gc` deletes.
            await self.job.writes(self.track_id, revision)
            await self.shop.store.put(cover_object(cover.sha256, cover.ending), cover.data)
        status = Status.UNCHANGED if is_current else Status.RESTORED
        if is_current and is_said_anew:
            status = Status.UPDATED
        async with self.shop.catalog.begin() as tx:
            await self.job.finish(tx, status, self.master.sha256, self.track_id, revision)
            now = self.shop.clock()
            if is_said_anew:
                draft = track_draft(self.master, self.track_id, self.shop.tenant)
                release = release_draft(self.master, pictures, self.shop.tenant)
                await redescribe(tx, draft, release, revision, words, now)
            if not is_current:
                await rollback(tx, self.track_id, revision, now)
        if is_said_anew:
            async with self.shop.catalog.connect(fresh=True) as tx:
                record = await tracks.get(tx, self.track_id)
        return outcome_of(self.shop.store, self.source, status, record, found.draft)

    async def _pictures(self, found: RevisionRecord) -> tuple[CoverPicture, ...]:
        """The cover's sizes, as they were made with the revision."""
        package = index.decode(await self.shop.store.get(self._key(found)))
        return tuple(
            CoverPicture(cover_object(one.sha256, one.ending), one.width, one.height)
            for one in package.pictures
        )

    def _key(self, found: RevisionRecord) -> str:
        return track_object(self.track_id, found.draft.revision, PACKAGE_INDEX)

"""The way of one track, from a master to its publication. Read this file first.

    probe    -> Master, or BadMaster: what it is, what it is called, which track it is
    encode   -> plain MP4 files, loudness; the decode is proven complete; then it waits until the
                others of its album are so far, since its files say how loud the album is
    package  -> CMAF track files, segmented and encrypted, each with a hash
    store    -> track files, static manifests and the package index rest in storage
    publish  -> one transaction makes the revision the track's current one

Until that transaction nothing can be seen. Whatever fails before it, the private folder goes and
the objects of the unfinished revision are deleted again (a cover stays: it is named by its
content, and another track may have it too).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog import masters, releases, tracks
from catalog.album_loudness import TrackLoudness, album_loudness
from catalog.errors import MadeAlready
from catalog.publish import publish
from catalog.records import RevisionDraft
from packager.loudness import loudness_box
from packager.model import Loudness, Package, Scheme
from pipeline.albums import Albums, Measured, album_id
from pipeline.companions import (
    Companions,
    make_companions,
    recipe_lines,
)
from pipeline.content_keys import provided_keys, wrap_keys
from pipeline.downloads import choose_downloads, encode_downloads
from pipeline.drafts import package_of, publication_of, revision_of, words_sha256
from pipeline.errors import BadMaster, shown
from pipeline.executors.place import Place
from pipeline.ffmpeg.encode import Encoded, encode
from pipeline.identity import identify, track_id
from pipeline.jobs import Job
from pipeline.ladder import RenditionSpec, choose, recipe_sha256
from pipeline.making import Making
from pipeline.master import Master, read_master, require_unchanged
from pipeline.outcomes import outcome_of
from pipeline.packaging import KeySource, Packaged, package_tracks
from pipeline.progress import Outcome, Progress, Reporter, Stage, Status
from pipeline.storing import discard, store_revision
from pipeline.workshop import Workshop
from pipeline.workspace import note_prefix
from storage.naming import (
    track_prefix,
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ingest:
    """One batch. `track` may be called concurrently, once for each master at a time."""

    shop: Workshop
    reporter: Reporter
    albums: Albums
    titles: dict[Path, str] = field(default_factory=dict)  # as far as they are known
    _claimed: dict[str, Path] = field(default_factory=dict)  # track id -> the master that has it

    async def track(self, source: Path, path: Path, job: Job, place: Place) -> Outcome:
        """Take one master through all stages; what fails is raised, and has left nothing behind.

        `source` is what the master is called, `path` where it can be read. `place` is left while
        it waits for the others of its album.
        """
        began = time.monotonic()
        run = _Track(self.shop_of(job), self, source, path, job, place)
        try:
            outcome = await run.ingest(job.claim.source.operator_id, self._claim)
        except BaseException:
            self._release(source)
            raise
        return replace(outcome, seconds=round(time.monotonic() - began, 3))

    def shop_of(self, job: Job) -> Workshop:
        """The workshop as a job wants it."""
        scheme = job.claim.source.scheme
        if scheme is None:
            return self.shop
        settings = self.shop.settings.model_copy(update={"scheme": scheme})
        return replace(self.shop, settings=settings)

    def _claim(self, source: Path, identity: str, track: str) -> None:
        """Only one master of a batch may be a given track."""
        other = self._claimed.setdefault(track, source)
        if other != source:
            cause = f"it is the same track as {shown(other)} ({identity})"
            raise BadMaster(source, cause, "give each its own ISRC, or ingest one of them")

    def _release(self, source: Path) -> None:
        """A master that failed keeps nobody else from being its track."""
        for track in [track for track, path in self._claimed.items() if path == source]:
            del self._claimed[track]


@dataclass(slots=True)
class _Track:
    """One track on its way."""

    shop: Workshop
    batch: Ingest
    source: Path
    path: Path
    job: Job
    place: Place
    title: str | None = None
    gone: str | None = None  # a revision that should be in storage, and is not

    async def ingest(
        self, operator_id: str | None, claim: Callable[[Path, str, str], None]
    ) -> Outcome:
        shop = self.shop
        await self._enter(Stage.PROBE)
        master = await read_master(self.path, shop.tools, shop.settings, operator_id)
        self.title = self.batch.titles[self.source] = master.title
        identity = identify(master.tags.isrc, master.operator_id, master.sha256)
        track = track_id(shop.tenant, identity)
        claim(self.source, f"{identity.kind} {identity.value}", track)
        for warning in master.warnings:
            self.batch.reporter.warn(self.source, warning)

        specs = choose(master.sound, shop.ladder, deepest_flac_bits=shop.tools.deepest_flac_bits)
        scheme = Scheme(shop.settings.scheme)
        downloads = choose_downloads(master.sound, shop.settings)
        recipe = recipe_sha256(
            specs,
            scheme,
            shop.settings.segment_s,
            aes128=shop.settings.aes128,
            companions=recipe_lines(master, downloads),
        )
        making = Making(self.shop, self.job, self.source, master, track, recipe)
        known = await making.find()
        if isinstance(known, Outcome):
            return known
        if known is not None:
            self.gone = known
            note = f"revision {known} is gone from storage: made anew"
            self.batch.reporter.warn(self.source, note)

        with shop.workspace.folder() as folder:
            await self._enter(Stage.ENCODE)
            encoded = await self._encode(master, specs, folder)
            made = await encode_downloads(shop.tools, master, downloads, folder, cores=shop.cores)
            album = await self._album(master, track, encoded)
            await self._enter(Stage.PACKAGE)
            given = await provided_keys(shop.key_provider, track, specs, scheme)
            packaged = await asyncio.to_thread(
                package_tracks,
                specs,
                encoded.files,
                master.sound,
                folder,
                keys=KeySource(shop.keyring, given),
                scheme=scheme,
                segment_s=shop.settings.segment_s,
                aes128=shop.settings.aes128,
                systems=shop.systems,
                loudness=loudness_box(encoded.loudness, album),
            )
            companions = await asyncio.to_thread(
                make_companions, master, packaged.renditions[0], made
            )
            for warning in companions.warnings:
                self.batch.reporter.warn(self.source, warning)
            package = package_of(
                master, track, encoded, packaged, companions, album, making=self.job.making
            )
            revision = revision_of(
                master,
                package,
                specs,
                blocks=encoded.blocks,
                recipe_sha256=recipe,
                words=words_sha256(master),
                scheme=scheme,
                encoder=shop.tools.label,
            )
            try:
                return await self._release(master, revision, package, packaged, companions, folder)
            except MadeAlready:  # by another job, for the same master, while this one worked
                known = await making.find()
                if not isinstance(known, Outcome):  # and it is gone from storage again
                    raise
                return known

    async def _encode(
        self, master: Master, specs: Sequence[RenditionSpec], folder: Path
    ) -> Encoded:
        """Encode, and prove that what was decoded is the whole master."""
        try:
            encoded = await encode(
                self.shop.tools,
                master.path,
                master.sound,
                specs,
                folder,
                cores=self.shop.cores,
                with_md5=master.md5 is not None,
                on_progress=lambda part: self._report(Stage.ENCODE, part),
            )
        finally:
            # A file that is still being copied fails in many ways: this one is the cause.
            require_unchanged(master)
        if encoded.samples != master.sound.samples:
            promised = master.sound.samples
            cause = f"{encoded.samples} samples were decoded, its header promises {promised}"
            raise BadMaster(master.path, cause, "export it again")
        if encoded.md5 != master.md5:
            cause = "its samples do not have the MD5 that its FLAC header names"
            raise BadMaster(master.path, cause, "export it again")
        return encoded

    async def _album(self, master: Master, track: str, encoded: Encoded) -> Loudness | None:
        """The loudness of its album, if all of that is in this batch or in the catalog."""
        async with self.shop.catalog.begin() as tx:
            await self.job.close_stage(tx)  # waiting for others is no part of it
        release = album_id(master.tags, master.title, self.shop.tenant)
        mine = TrackLoudness(encoded.blocks, encoded.loudness.true_peak_dbtp)
        here = await self.batch.albums.others(
            self.source, Measured(track, release, mine), self.place
        )
        if here is None:
            return None
        async with self.shop.catalog.connect() as tx:
            there = await releases.loudness_of_tracks(tx, release, without=here)
        if there is None:
            return None
        album = album_loudness((*here.values(), *there))
        return Loudness(album.integrated_lufs, album.loudness_range_lu, album.true_peak_dbtp)

    async def _release(
        self,
        master: Master,
        draft: RevisionDraft,
        package: Package,
        packaged: Packaged,
        companions: Companions,
        folder: Path,
    ) -> Outcome:
        """Store and publish; if that fails, leave nothing of the revision behind."""
        keys = await wrap_keys(
            self.shop.keyring,
            self.shop.auditor,
            packaged.keys,
            tenant=self.shop.tenant,
            track_id=package.track_id,
            revision=draft.revision,
            job_id=self.job.id,
        )
        publication = publication_of(
            master,
            draft,
            package.track_id,
            companions,
            keys=keys,
            tenant=self.shop.tenant,
            job_id=self.job.id,
            instead_of=self.gone,
        )
        prefix = track_prefix(package.track_id, package.revision)
        note_prefix(folder, prefix)
        await self.job.writes(package.track_id, package.revision)
        try:
            await self._enter(Stage.STORE)
            archived = await store_revision(
                self.shop,
                master,
                package,
                packaged,
                companions,
                lambda part: self._report(Stage.STORE, part),
            )
            await self._enter(Stage.PUBLISH)
            async with self.shop.catalog.begin() as tx:
                await self.job.check(tx)
                await publish(tx, publication, self.shop.clock())
                if archived is not None:
                    await masters.add(tx, archived)
        except BaseException:
            # Shielded: an interrupted ingest cleans up too.
            await asyncio.shield(discard(self.shop.store, self.shop.catalog, prefix))
            raise
        async with self.shop.catalog.connect() as tx:
            record = await tracks.get(tx, package.track_id)
        return outcome_of(self.shop.store, self.source, Status.PUBLISHED, record, draft)

    async def _enter(self, stage: Stage) -> None:
        self._report(stage, 0)
        await self.job.enter(stage)

    def _report(self, stage: Stage, fraction: float) -> None:
        event = Progress(self.source, stage, self.title, fraction)
        self.job.progress = event.overall
        self.batch.reporter.progress(event)

"""One attempt at a job: claim it, ingest its master, and write how that ended.

What was wrong decides: a bad master fails the job for good; what can pass (storage, network,
database, a key service, a full disk) lets it wait and be tried again, a few times; then it is
parked. A job that another worker holds is left to it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from catalog import jobs
from catalog.errors import CatalogError, Fenced
from catalog.records import Claim, Fault, JobRecord, JobState
from configs.telemetry.context import working_on
from configs.telemetry.tracing import span
from drm.errors import DrmError
from packager.errors import PackagerError
from pipeline.disk import Needs, lacking_space
from pipeline.errors import BadMaster, EncoderFailed, PipelineError, shown
from pipeline.executors import Place
from pipeline.ingest import Ingest
from pipeline.jobs import Job
from pipeline.masters import Masters, is_remote
from pipeline.outcomes import outcome_of_job
from pipeline.progress import Outcome, Stage, Status
from pipeline.retry import RetryPolicy, is_doubtful, is_passing
from pipeline.storing import discard
from pipeline.uploads import remove_upload
from pipeline.worker_name import is_gone, this_worker
from pipeline.workshop import Workshop
from storage.base import StorageError
from storage.naming import track_prefix

_log = logging.getLogger(__name__)

NO_ROOM_S = 15.0  # how soon a full disk is looked at again
_ELSEWHERE_S = 1.0  # how soon a job that another worker holds is looked at again


@dataclass(frozen=True, slots=True)
class Later:
    """A job that is not over: look at it again at that instant."""

    source: Path
    until: datetime
    reason: str | None  # one line for people; None: another worker does it
    lacks_room: bool = False  # here and now; the next job will, too, as like as not


@dataclass(slots=True)
class Attempts:
    """Does jobs by their ids. `once` may be called concurrently, for different jobs."""

    shop: Workshop
    ingest: Ingest
    masters: Masters

    async def once(self, job_id: str, place: Place, path: Path | None = None) -> Outcome | Later:
        """Try a job once. What goes wrong with its master is in the outcome.

        What is logged meanwhile is about the job.

        `path` is its master where this process knows it better than the row does. CatalogError
        where the row can be neither read nor written.
        """
        with working_on(job=job_id), span("job", job=job_id):
            record = await self._record(job_id)
            source = path or self.masters.named(record.source)
            if reason := await self._no_room(record, source):
                await self.ingest.albums.step_aside(source)
                if await self._postponed(record, reason):
                    until, why = self._in(NO_ROOM_S), f"waits for room: {reason}"
                    return Later(source, until, why, lacks_room=True)
            claim = await self._claim(record)
            if claim is None:
                return await self._elsewhere(job_id, source)
            return await self._do(claim, source, place)

    async def cancel(self, job_ids: list[str], why: str) -> None:
        """End jobs that nobody wants any more."""
        async with self.shop.catalog.begin() as tx:
            for job_id in job_ids:
                with suppress(CatalogError):  # it was over a moment ago
                    await jobs.cancel(tx, job_id, why, self.shop.clock())

    def seconds_until(self, instant: datetime) -> float:
        """How long until then, by the clock that jobs are kept by; negative when it is past."""
        return (instant - self.shop.clock()).total_seconds()

    async def _do(self, claim: Claim, source: Path, place: Place) -> Outcome | Later:
        shop = self.shop
        job = Job(shop.catalog, shop.clock, claim, shop.jobs.lease_s)
        if claim.left_behind is not None:
            await discard(shop.store, shop.catalog, track_prefix(*claim.left_behind))
        try:
            outcome = await job.keep(self._ingest(job, source, place))
        except Fenced:
            return await self._elsewhere(claim.job_id, source)
        except asyncio.CancelledError:
            with suppress(CatalogError):
                await asyncio.shield(job.give_back())
            raise
        except Exception as exc:  # noqa: BLE001 - the rest of the batch goes on, whatever it was
            return await self._failed(job, source, exc)
        if claim.source.upload_id is not None:
            await asyncio.to_thread(remove_upload, source, claim.source.upload_id)
        return outcome

    async def _ingest(self, job: Job, source: Path, place: Place) -> Outcome:
        most_bytes = self.shop.settings.max_fetched_bytes
        async with self.masters.local(source, self.shop.workspace, most_bytes) as path:
            try:
                return await self.ingest.track(source, path, job, place)
            except Exception as exc:
                if path != source:  # people know it by the name that it was submitted by
                    error = one_line(path, exc).replace(shown(path), shown(source))
                    raise _Renamed(error) from exc
                raise

    async def _failed(self, job: Job, source: Path, exc: Exception) -> Outcome | Later:
        """Write why it failed, and what follows."""
        error = one_line(source, exc)
        cause = exc.__cause__ if isinstance(exc, _Renamed) else exc
        policy = RetryPolicy.of(self.shop.jobs)
        is_again = cause is not None and is_passing(cause)
        try:
            if is_doubtful(cause) and await self._has_failed_so(job, error):
                is_again = False
            if is_again and not policy.is_last(job.claim.attempt):
                until = await job.wait(error, policy.delay_s(job.claim.attempt))
                return Later(source, until, _again(error, job.claim.attempt, policy))
            await (job.park(error) if is_again else job.fail(error, _fault_of(cause)))
        except Fenced:
            return await self._elsewhere(job.id, source)
        except CatalogError as lost:  # it may be what failed: the lease will end, then
            _log.warning("job %s: its end cannot be written: %s", job.id, lost)
        return Outcome(source, Status.FAILED, 0, title=self.ingest.titles.get(source), error=error)

    async def _has_failed_so(self, job: Job, error: str) -> bool:
        """Whether an attempt before this one ended with the same words."""
        if job.claim.attempt == 1:
            return False
        return any(one.error == error for one in (await self._record(job.id)).log)

    async def _claim(self, record: JobRecord) -> Claim | None:
        shop = self.shop
        async with shop.catalog.begin() as tx:
            return await jobs.claim(
                tx,
                record.job_id,
                this_worker(),
                shop.clock(),
                lease_s=shop.jobs.lease_s,
                max_attempts=shop.jobs.attempts,
                gone=_gone(record),
            )

    async def _elsewhere(self, job_id: str, source: Path) -> Outcome | Later:
        """How far a job is that this process does not hold."""
        record = await self._record(job_id)
        outcome = await outcome_of_job(self.shop.catalog, self.shop.store, record, source)
        if outcome is not None:
            return outcome
        if record.state is JobState.WAITING and record.not_before:
            return Later(source, record.not_before, record.error)
        if _waits_for_album(record):
            await self.ingest.albums.step_aside(source)
        return Later(source, self._in(_ELSEWHERE_S), None)

    async def _record(self, job_id: str) -> JobRecord:
        async with self.shop.catalog.connect(fresh=True) as tx:
            return await jobs.get(tx, job_id)

    async def _no_room(self, record: JobRecord, source: Path) -> str | None:
        shop = self.shop
        if self._is_held(record):  # it has its room, wherever that is
            return None
        needs = Needs.of(
            source,
            await self.masters.size(source),
            is_copied=is_remote(source),
            is_archived=shop.settings.archive != "none",
        )
        return await asyncio.to_thread(lacking_space, shop.folders, shop.jobs.min_free_bytes, needs)

    def _is_held(self, record: JobRecord) -> bool:
        is_leased = record.lease_until is not None and self.seconds_until(record.lease_until) > 0
        return record.state is JobState.RUNNING and is_leased and not _gone(record)

    async def _postponed(self, record: JobRecord, reason: str) -> bool:
        async with self.shop.catalog.begin() as tx:
            now, until = self.shop.clock(), self._in(NO_ROOM_S)
            return await jobs.postpone(tx, record.job_id, reason, now, until, gone=_gone(record))

    def _in(self, seconds: float) -> datetime:
        return self.shop.clock() + timedelta(seconds=seconds)


class _Renamed(Exception):
    """What went wrong with a copy of a master, in words about the master."""


def _waits_for_album(record: JobRecord) -> bool:
    """Its worker has encoded it, and may wait for tracks of the album that this process has."""
    return record.stage == Stage.ENCODE and record.stage in record.stage_seconds


def _gone(record: JobRecord) -> str | None:
    """Its worker, where that is known to live no more."""
    return record.worker if record.worker and is_gone(record.worker) else None


def _fault_of(cause: BaseException | None) -> Fault:
    """Whose it is to mend: ffmpeg that ends with an error has met something in the master."""
    is_masters = isinstance(cause, (BadMaster, EncoderFailed))
    return Fault.MASTER if is_masters else Fault.SERVICE


def one_line(source: Path, exc: Exception) -> str:
    """What an operator reads: `path: cause (what to do)`."""
    where = shown(source)
    if isinstance(exc, (BadMaster, _Renamed)):
        return str(exc)
    if isinstance(exc, EncoderFailed):
        return f"{where}: {exc.cause}"
    if isinstance(exc, (PipelineError, PackagerError, StorageError, CatalogError, DrmError)):
        return f"{where}: {exc}"
    if isinstance(exc, OSError):
        what = f"{exc.filename}: " if exc.filename and exc.filename != str(source) else ""
        return f"{where}: {what}{exc.strerror or exc}"
    _log.error("unexpected error while ingesting %s", where, exc_info=exc)
    return f"{where}: {type(exc).__name__}: {exc} (a bug: please report it with what -vv prints)"


def _again(error: str, attempt: int, policy: RetryPolicy) -> str:
    return f"{error}; attempt {attempt} of {policy.attempts}, it will be tried again"

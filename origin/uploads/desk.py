"""An upload from its announcement to its job.

Everything that changes one happens while its lock is held. Once all bytes are there the master is
looked at, and becomes a job in the same transaction in which the upload is done. Whoever dies in
between, or cannot look at it, leaves an upload that is whole and open: the next request about it
goes on, and so does every origin, when it starts and every few minutes.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog import deliveries, uploads
from catalog.engine import Catalog, Tx
from catalog.errors import NotFound
from catalog.records import JobQueue, MasterSource, UploadRecord, UploadState
from origin.problems import Missing, OriginError
from origin.uploads.limits import Room, no_room, require_quota
from origin.uploads.ports import Inspected, InspectorAway, MasterRefused, UploadDeps
from origin.uploads.receive import Body, Ending, Receiver
from origin.uploads.recovery import Recovery
from origin.uploads.shelf import Shelf, UploadGone
from origin.uploads.threads import Threads
from origin.uploads.tus import Checksum, Said

_LOG = logging.getLogger("headwater.origin")

_PATIENCE_S = 5.0
_DAY = timedelta(days=1)
_LOOKS = 2  # masters looked at side by side: each is read whole, by threads that listeners need
_CANCELED = "its sender ended it"


_ENDINGS: Mapping[Ending, tuple[int, str]] = {
    Ending.CUT: (400, "upload-interrupted"),
    Ending.SILENT: (408, "upload-silent"),
    Ending.WANTED: (503, "upload-interrupted"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request brought."""

    record: UploadRecord
    ending: Ending


class Desk:
    """Takes uploads in. Calls may be concurrent, in any number of processes."""

    def __init__(self, deps: UploadDeps, catalog: Catalog, tenant: str) -> None:
        self.settings = deps.settings
        self.shelf = Shelf(deps.folder)
        self._room = Room(deps.folder, deps.min_free_bytes)
        self._threads = Threads()
        self._looks = asyncio.Semaphore(_LOOKS)
        self._deps = deps
        self._catalog = catalog
        self._tenant = tenant
        self._is_closing = False
        self._recovery: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Let running requests end: what they brought is kept."""
        self._is_closing = True
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)

    def end(self) -> None:
        """Release threads, once no request runs any more."""
        self._threads.close()

    def begin_recovery(self) -> None:
        """Go on, beside what else is done, with whole uploads that have no job."""
        recovery = Recovery(self._catalog, self._tenant, self.settings.recheck_s, self.look)
        self._recovery = asyncio.create_task(recovery.run())

    async def announce(self, owner: str, said: Said, size: int) -> UploadRecord:
        """Begin an upload. OriginError where the label may not, or there is no room."""
        limits = self.settings.limits_of(owner)
        if size == 0:
            raise OriginError(400, "bad-length", "A master is not empty.")
        if size > limits.max_bytes:
            raise OriginError(
                413, "upload-too-large", f"A master has 1 to {limits.max_bytes} bytes here."
            )
        with _told():
            self._deps.inspector.check(said.fields)
        now = datetime.now(UTC)
        record = UploadRecord(
            upload_id=secrets.token_hex(16),
            tenant=self._tenant,
            owner=owner,
            name=said.name,
            fields=said.fields,
            size=size,
            created_at=now,
            expires_at=self._expiry(now),
        )
        # The disk is asked before the transaction and written to after it: nobody who writes to the
        # catalog waits for this disk, and nobody writes to this disk without a quota.
        with _writable():
            left = await self._threads.run(self._room.left)
        async with self._catalog.begin() as tx:
            require_quota(limits, await uploads.usage(tx, owner, now - _DAY, now), size)
            if left < size + await uploads.outstanding(tx, now):
                raise no_room()
            await uploads.add(tx, record)
        try:
            with _writable():
                await self._threads.run(self.shelf.make, record.upload_id, record.name)
        except BaseException:
            await asyncio.shield(self._end(record, "it could not begin"))
            raise
        return record

    async def look(self, owner: str, upload_id: str) -> UploadRecord:
        """How an upload is, once nobody writes to it any more; a whole one becomes a job first.

        Missing where it is not this label's; OriginError 410 where it has ended.
        """
        record = await self.find(owner, upload_id)
        if record.state is UploadState.DONE:
            return record
        with _gone():
            async with self.shelf.held(upload_id, _PATIENCE_S):
                record = self.require_open(await self.find(owner, upload_id))
                return await self._finish(record)

    async def find(self, owner: str, upload_id: str) -> UploadRecord:
        """Read the row. Missing where it is not this label's."""
        try:
            async with self._catalog.connect(fresh=True) as tx:
                record = await uploads.get(tx, upload_id)
        except NotFound:
            raise _missing() from None
        if record.owner != owner or record.tenant != self._tenant:
            raise _missing()
        return record

    async def append(
        self,
        owner: str,
        upload_id: str,
        offset: int,
        body: Body,
        *,
        length: int | None = None,
        checksum: Checksum | None = None,
    ) -> Sent:
        """Take bytes in, `length` of them if that is known.

        OriginError 409 at a wrong offset, 413 for more than was announced, 460 at a wrong checksum.
        """
        await self.find(owner, upload_id)
        with _gone():
            async with self.shelf.held(upload_id, _PATIENCE_S):
                record = self.require_open(await self.find(owner, upload_id))
                if offset != record.received or record.state is not UploadState.OPEN:
                    detail = f"The offset is {record.received}."
                    raise OriginError(409, "wrong-offset", detail)
                if offset + (length or 0) > record.size:
                    raise _too_long(record)
                sent = await self._receive(record, body, checksum)
                if sent.ending is Ending.TOO_LONG:
                    raise _too_long(record)
                return Sent(await self._finish(sent.record), sent.ending)

    async def take(self, record: UploadRecord, body: Body) -> UploadRecord:
        """Take in a whole file of unknown length, up to what was announced; it is no job yet.

        OriginError 413 where it is longer, 400 where it is cut off.
        """
        with _gone():
            async with self.shelf.held(record.upload_id, _PATIENCE_S):
                sent = await self._receive(record, body, None)
        if sent.ending is Ending.TOO_LONG:
            raise _too_long(record)
        if sent.ending in {Ending.SILENT, Ending.WANTED}:
            raise unfinished(sent.ending)
        if sent.ending is not Ending.WHOLE or not sent.record.received:
            raise OriginError(400, "upload-incomplete", "The file did not come whole.")
        return sent.record

    async def settle(self, record: UploadRecord, fields: Mapping[str, str]) -> UploadRecord:
        """Make a job of what was taken in whole, with all that was said of it."""
        with _told():
            self._deps.inspector.check(fields)
        with _gone():
            async with self.shelf.held(record.upload_id, _PATIENCE_S):
                async with self._catalog.begin() as tx:
                    await uploads.settle(tx, record.upload_id, record.received, fields)
                return await self._finish(await self.find(record.owner, record.upload_id))

    async def terminate(self, owner: str, upload_id: str, why: str = _CANCELED) -> None:
        """End an upload that is not a job's, and remove its bytes. OriginError 409 where it is."""
        _require_no_job(await self.find(owner, upload_id))
        with _gone():
            async with self.shelf.held(upload_id, _PATIENCE_S):
                record = self.require_open(await self.find(owner, upload_id))
                _require_no_job(record)
                await self._end(record, why)

    async def _receive(self, record: UploadRecord, body: Body, checksum: Checksum | None) -> Sent:
        async def count(received: int) -> None:
            nonlocal record
            async with self._catalog.begin() as tx:
                expires = self._expiry(datetime.now(UTC))
                await uploads.advance(tx, record.upload_id, received, expires)
                record = await uploads.get(tx, record.upload_id)

        receiver = Receiver(
            self.shelf.master(record.upload_id, record.name),
            record.received,
            record.size,
            count,
            lambda: self._is_closing or self.shelf.is_wanted(record.upload_id),
            self._room.is_left,
            self.settings.idle_s,
            self._threads,
            None if checksum is None else checksum.hasher(),
        )
        try:
            ending = await receiver.receive(body)
        except OSError as exc:
            _LOG.error("upload %s: %s", record.upload_id, exc)
            raise no_room() from exc
        if checksum is not None and ending is Ending.WHOLE:
            if not hmac.compare_digest(receiver.hasher.digest(), checksum.digest):
                raise OriginError(460, "checksum-mismatch", "The bytes are others: send again.")
            await count(receiver.position)
        if ending is Ending.FULL:
            _LOG.error("upload %s: the disk has less than jobs.min_free_bytes", record.upload_id)
            raise no_room()
        return Sent(record, ending)

    async def _finish(self, record: UploadRecord) -> UploadRecord:
        """Make a job of a whole upload; another stays as it is. OriginError where it is refused."""
        if record.received < record.size or record.state is not UploadState.OPEN:
            return record
        path = self.shelf.master(record.upload_id, record.name)
        try:
            async with self._looks:
                inspected = await self._deps.inspector.inspect(path, record.fields)
            await self._submit(record, str(path), inspected)
        except MasterRefused as exc:
            await self._end(record, f"{exc.reason}: {exc.detail}")
            raise OriginError(422, exc.reason, exc.detail) from exc
        except InspectorAway as exc:
            _LOG.error("upload %s: %s", record.upload_id, exc)
            raise OriginError(
                503,
                "inspector-away",
                "It came whole, and cannot be looked at now.",
                headers={"Retry-After": "10"},
            ) from exc
        return await self.find(record.owner, record.upload_id)

    async def _submit(self, record: UploadRecord, path: str, inspected: Inspected) -> None:
        queue = JobQueue(self.settings.queue)
        async with self._catalog.connect(fresh=True) as tx:
            ahead = await deliveries.count_ahead(tx, queue)

        async def within(tx: Tx, job_id: str) -> None:
            if await uploads.is_of_others(tx, record.owner, inspected.track_id):
                detail = "There is such a recording (its ISRC or id), and it is somebody else's."
                raise MasterRefused("track-of-others", detail)
            release_id = inspected.release_id
            if release_id and await uploads.is_release_of_others(tx, record.owner, release_id):
                detail = "There is such a release (its UPC; or its artist and title, where no UPC "
                detail += "is said), and somebody else's tracks are on it."
                raise MasterRefused("release-of-others", detail)
            await uploads.complete(
                tx,
                record.upload_id,
                job_id,
                track_id=inspected.track_id,
                release_id=release_id,
                duration_s=inspected.duration_s,
                estimate_s=round(inspected.work_s * (1 + ahead), 1),
            )

        source = MasterSource(path, upload_id=record.upload_id)
        await self._deps.submitter.submit(source, queue=queue, tenant=self._tenant, within=within)

    async def _end(self, record: UploadRecord, why: str) -> None:
        async with self._catalog.begin() as tx:
            await uploads.end(tx, record.upload_id, why)
        await self._threads.run(self.shelf.remove, record.upload_id)

    def require_open(self, record: UploadRecord) -> UploadRecord:
        """The same; OriginError 410 for what has ended, or expired before it was whole."""
        is_coming = record.state is UploadState.OPEN and record.received < record.size
        is_late = is_coming and record.expires_at <= datetime.now(UTC)
        if record.state is UploadState.ENDED or is_late:
            why = record.error or "it expired"
            raise OriginError(410, "upload-ended", f"It has ended: {why}")
        return record

    def _expiry(self, now: datetime) -> datetime:
        return (now + timedelta(seconds=self.settings.expires_s)).replace(microsecond=0)


def unfinished(ending: Ending) -> OriginError:
    """The answer to a body that did not come to its end; what came is kept."""
    status, reason = _ENDINGS[ending]
    detail = f"{ending.value}: go on from where it is.".capitalize()
    return OriginError(status, reason, detail, headers={"Retry-After": "1"})


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with what was said of a recording, as an answer."""
    try:
        yield
    except MasterRefused as exc:
        raise OriginError(422, exc.reason, exc.detail) from exc


@contextmanager
def _writable() -> Iterator[None]:
    """A folder that cannot be written to, as an answer."""
    try:
        yield
    except OSError as exc:
        _LOG.error("no upload can begin: %s", exc)
        raise no_room() from exc


@contextmanager
def _gone() -> Iterator[None]:
    """An upload that was removed meanwhile, as an answer."""
    try:
        yield
    except (UploadGone, NotFound) as exc:
        raise OriginError(410, "upload-ended", "It has ended.") from exc


def _require_no_job(record: UploadRecord) -> None:
    if record.state is UploadState.DONE:
        raise OriginError(409, "upload-done", "A job has it: it cannot be ended.")


def _too_long(record: UploadRecord) -> OriginError:
    return OriginError(413, "upload-too-long", f"It may have {record.size} bytes.")


def _missing() -> Missing:
    return Missing("no-upload", "There is no such upload.")

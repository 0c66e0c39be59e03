"""What uploads leave behind: expired ones, refused ones, masters of jobs that are over.

A row goes from open to ended first, which only one that has expired does; then its bytes go.
Whatever else is in the folder belongs to a row, or to nobody.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog import jobs, uploads
from catalog.batches import batches
from catalog.errors import NotFound
from catalog.records import OVER, JobState, UploadRecord, UploadState
from configs.settings import UploadSettings
from pipeline.housekeeping.collect import Item, Kind, Run

_PAGE = 200
_ID = re.compile(r"[0-9a-f]{32}")
_COUNTED_S = 86400  # what ended counts against a label's limits for so long


async def collect_uploads(run: Run, settings: UploadSettings, folder: Path) -> None:
    """Expired uploads, and what lies in the folder that no job will read any more."""
    expired = await _expire(run, settings)
    for names in _pages(folder):
        async with run.catalog.connect(fresh=True) as tx:
            records = await uploads.of_ids(tx, names)
        for name in names:
            why = await _why(run, settings, folder / name, records.get(name))
            if name in expired:
                why = expired[name]
            if why is not None:
                await _remove(run, folder / name, why)
    if run.delete:
        async with run.catalog.begin() as tx:
            await uploads.forget_ended(tx, run.ago(_COUNTED_S))


async def _expire(run: Run, settings: UploadSettings) -> dict[str, str]:
    """End those whose time is over; without `delete`, only say which they are.

    A whole one waits for us to look at it, not for its sender: it stays as long as the master of
    a job that failed.
    """
    found: dict[str, str] = {}
    after = ""
    times = uploads.Times(run.clock(), run.ago(settings.keep_s))
    while True:
        async with run.catalog.connect(fresh=True) as tx:
            page = await uploads.expired_page(tx, times, after, _PAGE)
        for one in page:
            if run.delete:
                async with run.catalog.begin() as tx:
                    if not await uploads.expire(tx, one.upload_id, times):
                        continue
            whole = f"{one.received} of {one.size} bytes came"
            found[one.upload_id] = f"expired {one.expires_at:%Y-%m-%d %H:%M}; {whole}"
        if len(page) < _PAGE:
            return found
        after = page[-1].upload_id


async def _why(
    run: Run, settings: UploadSettings, path: Path, record: UploadRecord | None
) -> str | None:
    """Why an upload's folder may go; None where it may not."""
    if record is None:
        modified = _modified(path)
        is_old = modified is not None and modified < run.ago(run.settings.orphan_age_s)
        return "the catalog has no such upload" if is_old else None
    if record.state is UploadState.ENDED:
        return f"it has ended: {record.error}"
    if record.state is UploadState.OPEN or record.job_id is None:
        return None
    try:
        async with run.catalog.connect(fresh=True) as tx:
            job = await jobs.get(tx, record.job_id)
    except NotFound:
        return "its job is forgotten"
    if job.state is JobState.DONE:
        return "its track is published"
    is_late = job.finished_at is not None and job.finished_at < run.ago(settings.keep_s)
    kept = timedelta(seconds=settings.keep_s)
    return f"its job {job.state} more than {kept} ago" if job.state in OVER and is_late else None


async def _remove(run: Run, path: Path, why: str) -> None:
    sizes = list(_sizes(path))
    if run.delete:
        await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
    run.on_item(Item(Kind.UPLOAD, path.name, len(sizes), sum(sizes), why))


def _pages(folder: Path) -> Iterator[Sequence[str]]:
    names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    names = [name for name in names if _ID.fullmatch(name)]
    return batches(names, _PAGE)


# A worker removes what it has published: what is gone meanwhile is no error.


def _sizes(path: Path) -> Iterator[int]:
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):
                yield os.lstat(f"{folder}/{name}").st_size


def _modified(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None

"""What uploads leave behind is found, and goes when that is wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog import jobs, uploads
from catalog.engine import Catalog
from catalog.records import Fault, JobQueue, MasterSource, UploadRecord
from configs.settings import HousekeepingSettings, UploadSettings
from pipeline.housekeeping.collect import Item, Run
from pipeline.housekeeping.uploads import collect_uploads
from storage.testing import MemoryStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = UploadSettings(keep_s=3600)
OPEN, EXPIRED, REFUSED, QUEUED, DONE, FAILED, JUST_FAILED, NOBODYS, YOUNG, WHOLE, OLD, GOING = (
    f"{number:032x}" for number in range(12)
)
UPLOADS = (OPEN, EXPIRED, REFUSED, QUEUED, DONE, FAILED, JUST_FAILED, WHOLE, OLD)
GO = {EXPIRED, REFUSED, DONE, FAILED, NOBODYS, OLD}


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{tmp_path}/catalog.db")
    try:
        yield Run(catalog, MemoryStore(), HousekeepingSettings(), lambda: NOW)
    finally:
        await catalog.close()


async def fill(run: Run, folder: Path) -> None:
    """An upload of each kind."""
    for name in (*UPLOADS, NOBODYS, YOUNG, GOING):
        master = folder / name / "master"
        master.mkdir(parents=True)
        (master / "a.master").write_bytes(bytes(100))
    os.utime(folder / NOBODYS, (0, 0))
    (folder / "somebody else's").mkdir()
    record = UploadRecord(OPEN, "default", "label", "a.wav", {}, 100, NOW - 2 * DAY, NOW + DAY)
    async with run.catalog.begin() as tx:
        for name in UPLOADS:
            expires_at = NOW - DAY - timedelta(hours=1) if name in {EXPIRED, REFUSED} else NOW + DAY
            await uploads.add(tx, replace(record, upload_id=name, expires_at=expires_at))
        for name, minutes in ((WHOLE, 59), (OLD, 61)):  # no scanner would look at them
            await uploads.advance(tx, name, 100, NOW - timedelta(minutes=minutes))
        await uploads.end(tx, REFUSED, "it is an MP3")
        for name in (QUEUED, DONE, FAILED, JUST_FAILED):
            source = MasterSource(f"/uploads/{name}/a.master", upload_id=name)
            job = await jobs.submit(
                tx, name, source, tenant="default", queue=JobQueue.HOT, now=NOW - DAY
            )
            await uploads.complete(tx, name, job, track_id=name[:21], duration_s=1, estimate_s=1)
        for name, ended in ((DONE, NOW), (FAILED, NOW - DAY), (JUST_FAILED, NOW)):
            claim = await jobs.claim(tx, name, "w", NOW - DAY, lease_s=60, max_attempts=5)
            assert claim is not None
            if name == DONE:
                made = {"master_sha256": "0" * 64, "track_id": "t" * 21, "revision": "0" * 16}
                await jobs.finish(tx, name, ended, outcome="published", **made)
            else:
                await jobs.fail(tx, claim, "it is a video", Fault.MASTER, ended)


async def test_gc_says_what_would_go_and_removes_it_when_told(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    await fill(run, folder)
    items: list[Item] = []
    everything = {one.name for one in folder.iterdir()}

    def see(item: Item) -> None:
        items.append(item)
        shutil.rmtree(folder / GOING, ignore_errors=True)  # a worker removes it just now

    await collect_uploads(replace(run, on_item=see), SETTINGS, folder)
    everything.discard(GOING)
    assert {one.name for one in items} == GO
    assert {one.name for one in folder.iterdir()} == everything
    assert {(one.objects, one.bytes) for one in items} == {(1, 100)}
    assert next(one.why for one in items if one.name == EXPIRED).endswith("0 of 100 bytes came")

    await collect_uploads(replace(run, delete=True), SETTINGS, folder)
    left = {one.name for one in folder.iterdir()}
    assert left == everything - GO
    async with run.catalog.connect() as tx:
        known = await uploads.of_ids(tx, sorted(everything))
    # The others counted long ago.
    assert known.keys() == {OPEN, QUEUED, DONE, FAILED, JUST_FAILED, WHOLE, OLD}

    items.clear()
    await collect_uploads(replace(run, delete=True, on_item=items.append), SETTINGS, folder)
    assert not items

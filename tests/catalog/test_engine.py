"""Opening, transactions, and the database's errors made ours."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from catalog import engine, publish, tracks
from catalog.engine import Catalog
from catalog.errors import CatalogError, CatalogMismatch, CatalogUnavailable, NotFound
from tests.support.publications import make_publication

A = "t" + "a" * 20


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


async def test_opening_makes_the_folder_and_the_tables(url: str) -> None:
    catalog = await Catalog.open(url)
    async with catalog.connect() as tx:
        assert await tracks.list_page(tx, after=None, limit=1) == ()
        assert (await tx.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
        assert (await tx.exec_driver_sql("PRAGMA foreign_keys")).scalar_one() == 1
        assert (await tx.exec_driver_sql("PRAGMA synchronous")).scalar_one() == 2
    await catalog.close()


async def test_a_closed_catalog_is_one_file(catalog: Catalog, url: str, now: datetime) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    await catalog.close()
    assert [one.name for one in file_of(url).parent.iterdir()] == ["catalog.db"]


async def test_opening_without_migrating_makes_nothing(url: str) -> None:
    with pytest.raises(NotFound, match="there is no catalog"):
        await Catalog.open(url, migrate=False)
    assert not file_of(url).parent.exists()
    file_of(url).parent.mkdir()
    file_of(url).touch()
    with pytest.raises(CatalogMismatch, match="older than this program"):
        await Catalog.open(url, migrate=False)
    assert file_of(url).stat().st_size == 0


async def test_opening_again_finds_what_was_kept(url: str, now: datetime) -> None:
    catalog = await Catalog.open(url)
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    await catalog.close()
    again = await Catalog.open(url, migrate=False)
    async with again.connect() as tx:
        assert (await tracks.get(tx, A)).title == "Song a"
    await again.close()


async def test_an_exception_rolls_everything_back(catalog: Catalog, now: datetime) -> None:
    async def fail() -> None:
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(), now)
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        await fail()
    async with catalog.connect() as tx:
        with pytest.raises(NotFound):
            await tracks.get(tx, A)


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(
    catalog: Catalog, now: datetime
) -> None:
    started = asyncio.Event()

    async def write() -> None:
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(), now)
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with catalog.begin() as tx:
        assert await tracks.list_page(tx, after=None, limit=1) == ()


async def test_what_is_written_while_reading_is_not_kept(catalog: Catalog, now: datetime) -> None:
    async with catalog.connect() as tx:
        await publish.publish(tx, make_publication(), now)
    async with catalog.connect() as tx:
        assert await tracks.list_page(tx, after=None, limit=1) == ()


async def test_a_reader_sees_one_state_and_waits_for_nobody(
    catalog: Catalog, now: datetime
) -> None:
    async with catalog.connect() as reading, catalog.begin() as writing:
        assert await tracks.list_page(reading, after=None, limit=9) == ()
        await publish.publish(writing, make_publication(), now)
        assert await tracks.list_page(reading, after=None, limit=9) == ()
        await writing.commit()
        assert await tracks.list_page(reading, after=None, limit=9) == ()
    async with catalog.connect() as tx:
        assert len(await tracks.list_page(tx, after=None, limit=9)) == 1


async def test_many_writers_of_one_process_all_get_their_turn(
    catalog: Catalog, now: datetime
) -> None:
    async def write(letter: str) -> None:
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(letter), now)

    await asyncio.gather(*(write(letter) for letter in "abcdefghijkl"))
    async with catalog.connect() as tx:
        assert len(await tracks.list_page(tx, after=None, limit=99)) == 12


async def test_a_lock_that_lasts_is_told_and_worth_another_try(
    url: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_S", 0.05)
    impatient = await Catalog.open(url)
    async with catalog.begin():
        with pytest.raises(CatalogUnavailable, match="another process kept it locked") as caught:
            async with impatient.begin():
                pass
    assert caught.value.transient
    assert str(file_of(url)) in str(caught.value)
    await impatient.close()


async def test_a_file_that_is_no_database_is_refused(url: str) -> None:
    file_of(url).parent.mkdir()
    file_of(url).write_text("a shopping list, long enough to be read as a header by SQLite\n" * 20)
    with pytest.raises(CatalogMismatch, match=r"catalog\.db: is not a catalog"):
        await Catalog.open(url)


async def test_a_database_of_somebody_else_is_refused(url: str) -> None:
    file_of(url).parent.mkdir()
    with closing(sqlite3.connect(file_of(url))) as other:
        other.execute("CREATE TABLE shopping (item)")
    with pytest.raises(CatalogMismatch, match="not a catalog's: shopping"):
        await Catalog.open(url)


async def test_a_catalog_of_a_newer_program_is_refused(url: str, catalog: Catalog) -> None:
    async with catalog.begin() as tx:
        await tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogMismatch, match="newer Headwater"):
        await Catalog.open(url)


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite://", "catalog.db"]
)
async def test_a_url_that_cannot_be_is_refused(url: str) -> None:
    with pytest.raises(CatalogError, match="catalog"):
        await Catalog.open(url)


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CatalogUnavailable, match="folder cannot be made"):
        await Catalog.open(f"sqlite+aiosqlite:///{tmp_path}/file/catalog.db")


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogUnavailable, match="cannot be opened"):
        await Catalog.open(f"sqlite+aiosqlite:///{tmp_path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_file_that_may_not_be_written_is_told(
    url: str, catalog: Catalog, now: datetime
) -> None:
    await catalog.close()
    file_of(url).chmod(0o400)
    opened = await Catalog.open(url)
    with pytest.raises(CatalogUnavailable, match="may not be written"):
        async with opened.begin() as tx:
            await publish.unpublish(tx, A, now)
    await opened.close()


async def test_a_full_disk_is_told(catalog: Catalog, now: datetime) -> None:
    async with catalog.connect() as tx:
        pages = (await tx.exec_driver_sql("PRAGMA page_count")).scalar_one()

    async def fill() -> None:
        async with catalog.begin() as tx:
            await tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # SQLITE_FULL, as a disk
            await publish.publish(tx, make_publication(lyrics="la " * 50_000), now)

    with pytest.raises(CatalogUnavailable, match="no space left on device") as caught:
        await fill()
    assert caught.value.transient


async def test_a_message_has_no_sql_and_no_values_in_it(catalog: Catalog, now: datetime) -> None:
    publication = make_publication(title="Secret Title", job_id=None)
    async with catalog.begin() as tx:
        await publish.publish(tx, publication, now)
    with pytest.raises(CatalogError) as caught:
        async with catalog.begin() as tx:
            await publish._add_revision(tx, publication, now)
    assert "UNIQUE" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("INSERT", "Secret", "1111"))

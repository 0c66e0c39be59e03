"""SQLite: the file, its modes, and its errors made ours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog import publish, sqlite, tracks
from catalog.engine import Catalog
from catalog.errors import CatalogMismatch, CatalogUnavailable, NotFound
from tests.support.publications import make_publication

A = "t" + "a" * 20


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/home/catalog.db"


@pytest.fixture
async def catalog(url: str) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(url)
    yield opened
    await opened.close()


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


async def test_more_rows_than_come_with_a_statement_come_in_their_order(catalog: Catalog) -> None:
    many = text(
        "WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 2499) "
        "SELECT n FROM r"
    )
    async with catalog.connect() as tx:
        assert [*(await tx.execute(many)).scalars()] == [*range(2500)]
        streamed = await tx.stream(many)
        assert [row.n async for row in streamed] == [*range(2500)]
        streamed = await tx.stream(many)
        assert (await streamed.fetchmany(3))[2].n == 2
        await streamed.close()
        assert (await tx.execute(many)).first() == (0,)


async def test_a_statement_that_nobody_waits_for_any_more_leaves_no_transaction(
    catalog: Catalog, now: datetime
) -> None:
    async def write() -> None:
        async with catalog.begin():
            await asyncio.sleep(60)

    for steps in range(30):  # the thread may be before BEGIN, in it, or past it
        writing = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)


async def test_opening_without_migrating_makes_nothing(url: str) -> None:
    with pytest.raises(NotFound, match="there is no catalog"):
        await Catalog.open(url, migrate=False)
    assert not file_of(url).parent.exists()
    file_of(url).parent.mkdir()
    file_of(url).touch()
    with pytest.raises(CatalogMismatch, match="older than this program"):
        await Catalog.open(url, migrate=False)
    assert file_of(url).stat().st_size == 0


async def test_a_lock_that_lasts_is_told_and_worth_another_try(
    url: str, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
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

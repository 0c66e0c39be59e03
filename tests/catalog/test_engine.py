"""Opening, transactions, and the database's errors made ours, on both databases."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from catalog import publish, tracks
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogConflict, CatalogError, CatalogMismatch, NotFound
from tests.support.publications import make_publication

A = "t" + "a" * 20


async def test_opening_makes_the_tables(empty_url: str) -> None:
    catalog = await Catalog.open(empty_url)
    async with catalog.connect() as tx:
        assert await tracks.list_page(tx, after=None, limit=1) == ()
    await catalog.close()


async def test_opening_again_finds_what_was_kept(empty_url: str, now: datetime) -> None:
    catalog = await Catalog.open(empty_url)
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    await catalog.close()
    again = await Catalog.open(empty_url, migrate=False)
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


async def test_what_is_written_while_reading_is_not_kept(
    catalog: Catalog, now: datetime, database: str
) -> None:
    refused = pytest.raises(CatalogError, match="may only be read")
    with refused if database == "postgresql" else nullcontext():
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


async def test_a_database_of_somebody_else_is_refused(empty_url: str) -> None:
    file = Path(empty_url.partition(":///")[2])
    if empty_url.startswith("sqlite"):
        file.parent.mkdir()
    theirs = create_async_engine(empty_url)
    async with theirs.begin() as tx:
        await tx.exec_driver_sql("CREATE TABLE shopping (item text)")
    await theirs.dispose()
    with pytest.raises(CatalogMismatch, match="not a catalog's: shopping"):
        await Catalog.open(empty_url)


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


async def test_a_message_has_no_sql_and_no_values_in_it(catalog: Catalog, now: datetime) -> None:
    publication = make_publication(title="Secret Title", job_id=None)
    async with catalog.begin() as tx:
        await publish.publish(tx, publication, now)
    with pytest.raises(CatalogError) as caught:
        async with catalog.begin() as tx:
            await publish._add_revision(tx, publication, now)
    assert "unique" in str(caught.value).lower()
    assert not any(word in str(caught.value) for word in ("INSERT", "Secret", "1111"))


async def test_opening_an_empty_database_without_migrating_is_refused(
    empty_url: str, database: str
) -> None:
    with pytest.raises(CatalogError, match=r"there is no catalog|headwater db upgrade"):
        await Catalog.open(empty_url, migrate=False)


async def test_a_transaction_that_was_ended_for_anothers_sake_is_done_again(
    catalog: Catalog, now: datetime
) -> None:
    attempts = []

    async def work(tx: Tx) -> int:
        attempts.append(tx)
        await publish.publish(tx, make_publication(), now)
        if len(attempts) < 3:
            raise CatalogConflict("once more")
        return 7

    assert await catalog.transact(work) == 7
    assert len(attempts) == 3

    async def hopeless(tx: Tx) -> None:
        attempts.append(tx)
        raise CatalogConflict("never")

    with pytest.raises(CatalogConflict, match="never"):
        await catalog.transact(hopeless)
    assert len(attempts) == 8


async def test_a_fault_of_the_work_itself_is_not_tried_again(catalog: Catalog) -> None:
    attempts = []

    async def work(tx: Tx) -> None:
        attempts.append(tx)
        raise NotFound("track", "x")

    with pytest.raises(NotFound):
        await catalog.transact(work)
    assert len(attempts) == 1

"""PostgreSQL: restarts, replicas, limits, and its errors made ours."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from catalog import plays, postgresql, publish, tracks
from catalog.backup import server_of
from catalog.engine import Catalog, Tx
from catalog.errors import CatalogError, CatalogMismatch, CatalogUnavailable, NotFound
from catalog.postgresql import PoolOptions
from origin.play_counts import PlayCounts
from tests.servers.postgres import PASSWORD, Postgres, database_of
from tests.support.publications import make_publication

pytestmark = pytest.mark.server

A = "t" + "a" * 20


@pytest.fixture
def url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    made = postgres.create(postgres_template)
    yield made
    postgres.drop(made)


@pytest.fixture
async def catalog(url: str) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(url)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "given", ["u:secret@h/db", "u@h/db?password=secret", "u:other@h/db?password=secret"]
)
def test_no_password_is_on_the_command_line_of_a_backup(given: str) -> None:
    server = server_of(f"postgresql+psycopg://{given}")
    assert server is not None
    assert server.uri == "postgresql://u@h/db"
    assert server.password == "secret"
    assert "secret" not in repr(server)


async def test_reads_go_on_after_the_server_was_restarted(
    catalog: Catalog, postgres: Postgres, now: datetime
) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    stopped = asyncio.Event()
    unavailable: list[CatalogError] = []

    async def read() -> int:
        found = 0
        while not stopped.is_set() or not found:
            try:
                async with catalog.connect() as tx:
                    assert (await tracks.get(tx, A)).title == "Song a"
            except CatalogUnavailable as exc:
                found = 0  # counted anew: what counts is what comes after
                unavailable.append(exc)
                await asyncio.sleep(0.02)
            else:
                found += 1
                await asyncio.sleep(0)
        return found

    readers = [asyncio.create_task(read()) for _ in range(6)]
    await asyncio.sleep(0.1)
    postgres.stop()
    await asyncio.sleep(0.1)
    postgres.start()
    stopped.set()
    assert all(found > 0 for found in await asyncio.gather(*readers))
    assert unavailable
    assert all(one.transient for one in unavailable)
    # Idle connections that the restart ended cost nobody an error.
    postgres.stop()
    postgres.start()
    async with catalog.begin() as tx:
        await publish.unpublish(tx, A, now)


async def test_a_look_up_goes_to_the_server_once(
    catalog: Catalog, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
        server = (await tx.get_raw_connection()).driver_connection.pgconn  # type: ignore[union-attr]

    async def ways(*, glance: bool) -> int:
        with (tmp_path / "trace").open("w") as trace:  # what libpq sends and is sent
            server.trace(trace.fileno())
            async with catalog.glance() if glance else catalog.connect() as tx:
                assert (await tracks.get(tx, A)).title == "Song a"
            server.untrace()
        return (tmp_path / "trace").read_text().count("ReadyForQuery")

    assert await ways(glance=True) == 1
    assert await ways(glance=False) == 3  # BEGIN and ROLLBACK
    monkeypatch.setattr(postgresql, "_TRUSTED_S", 0.0)
    assert await ways(glance=True) == 2  # a connection that was idle for long is asked first


async def test_a_write_that_a_restart_ends_leaves_nothing(
    catalog: Catalog, postgres: Postgres, now: datetime
) -> None:
    async def write() -> None:
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(), now)
            postgres.stop()
            postgres.start()

    with pytest.raises(CatalogUnavailable) as caught:
        await write()
    assert caught.value.transient
    async with catalog.connect() as tx:
        assert await tracks.list_page(tx, after=None, limit=1) == ()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ((PASSWORD, "wrong"), CatalogError, "password is wrong, or none was given"),
        ((f":{PASSWORD}@", "@"), CatalogError, "password is wrong, or none was given"),
        (("headwater:", "nobody:"), CatalogError, "password is wrong"),
        (("/test_", "/no_test_"), CatalogError, r'database "no_test_\d+" does not exist'),
        (("127.0.0.1:", "127.0.0.1:1"), CatalogError, "."),
    ],
)
async def test_who_cannot_connect_is_told_why_and_no_password(
    url: str, change: tuple[str, str], kind: type[CatalogError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        await Catalog.open(url.replace(*change))
    assert not any(PASSWORD in text for text in texts_of(caught.value))
    assert "headwater:" not in str(caught.value)


def texts_of(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error} {error!r}"
        error = error.__cause__ or error.__context__


async def test_a_server_that_is_not_there_is_worth_another_try(url: str) -> None:
    port = url.partition("127.0.0.1:")[2].partition("/")[0]
    with pytest.raises(CatalogUnavailable, match="refused") as caught:
        await Catalog.open(url.replace(port, "1"))
    assert caught.value.transient


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql+psycopg://hw:canary@host:port/x",
        "mysql://hw:canary@host/x",
        "postgresql://hw:canary@host/x",
    ],
)
async def test_a_url_that_cannot_be_is_not_repeated(wrong: str) -> None:
    with pytest.raises(CatalogError, match="URL") as caught:
        await Catalog.open(wrong)
    assert "canary" not in str(caught.value)


async def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    catalog = await Catalog.open(url, pool=PoolOptions(statement_timeout_s=0.1))
    with pytest.raises(CatalogUnavailable, match=r"catalog\.statement_timeout_s"):
        async with catalog.connect() as tx:
            await tx.execute(text("SELECT pg_sleep(10)"))
    await catalog.close()


async def test_the_urls_own_options_win(postgres: Postgres, url: str) -> None:
    own = postgres.url(database_of(url), options="-c%20statement_timeout%3D77s")
    catalog = await Catalog.open(own)
    async with catalog.connect() as tx:
        assert (await tx.execute(text("SHOW statement_timeout"))).scalar_one() == "77s"
        assert (await tx.execute(text("SHOW lock_timeout"))).scalar_one() == "30s"
    await catalog.close()


async def test_who_finds_no_free_connection_is_told(url: str) -> None:
    pool = PoolOptions(connections=1, connect_timeout_s=1)
    catalog = await Catalog.open(url, pool=pool)
    async with catalog.connect():
        with pytest.raises(CatalogUnavailable, match=r"all connections were in use"):
            async with catalog.connect():
                pass
    async with catalog.connect():
        pass
    await catalog.close()


async def test_a_worker_ends_though_its_last_plays_cannot_be_counted(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("origin.play_counts._LAST_S", 0.1)
    counts = PlayCounts(catalog)
    counts.note(A)
    async with catalog.begin() as tx, asyncio.timeout(10):  # others wait 30 s for it
        await tx.execute(text("LOCK TABLE plays IN ACCESS EXCLUSIVE MODE"))
        await counts.close()
    async with catalog.connect() as tx:
        assert await plays.page(tx, 0, None, 9) == ()


async def test_reads_are_read_only_and_writes_are_not(catalog: Catalog) -> None:
    modes = "SELECT current_setting('transaction_isolation'), "
    modes += "current_setting('transaction_read_only')"
    for _ in range(2):  # each mode ends with its transaction
        async with catalog.connect() as tx:
            assert tuple((await tx.execute(text(modes))).one()) == ("repeatable read", "on")
        async with catalog.begin() as tx:
            assert tuple((await tx.execute(text(modes))).one()) == ("read committed", "off")


async def test_audit_entries_are_only_ever_added(catalog: Catalog) -> None:
    entry = "INSERT INTO audit_entries VALUES ('c', 0, 0, 'e', '', '', '', '', '')"
    async with catalog.begin() as tx:
        await tx.execute(text(entry))
    for change in ("UPDATE audit_entries SET who = 'me'", "DELETE FROM audit_entries"):
        with pytest.raises(CatalogError, match="only ever added"):
            async with catalog.begin() as tx:
                await tx.execute(text(change))


async def test_text_that_postgresql_cannot_keep_is_told(catalog: Catalog, now: datetime) -> None:
    with pytest.raises(CatalogError, match="NUL"):
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(title="a\0b"), now)
    with pytest.raises(CatalogError, match="longer than its column"):
        async with catalog.begin() as tx:
            await publish.publish(tx, make_publication(isrc="X" * 13), now)


async def test_tables_that_are_gone_are_told(catalog: Catalog) -> None:
    async with catalog.begin() as tx:
        await tx.execute(text("ALTER TABLE tracks RENAME TO elsewhere"))
    with pytest.raises(CatalogMismatch, match="has not got this program's tables"):
        async with catalog.connect() as tx:
            await tracks.list_page(tx, after=None, limit=1)


@pytest.fixture
def standby(postgres: Postgres) -> Iterator[Postgres]:
    """A real one: it streams from the server what is committed there."""
    with postgres.standby() as one:
        yield one


async def test_a_replica_answers_what_need_not_be_fresh(
    url: str, standby: Postgres, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    replica_url = standby.url(database_of(url))
    catalog = await Catalog.open(url, replica_url=replica_url)
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    async with catalog.connect(fresh=True) as tx:
        assert (await tracks.get(tx, A)).title == "Song a"
        assert not await is_standby(tx)
    await until_there(catalog)
    async with catalog.connect() as tx:
        assert await is_standby(tx)

    caplog.set_level(logging.WARNING, logger="catalog")
    standby.stop()
    for _ in range(3):  # asked once, then left alone for a while
        async with catalog.connect() as tx:
            assert not await is_standby(tx)
            assert (await tracks.get(tx, A)).title == "Song a"
    assert len([one for one in caplog.messages if "replica is left alone" in one]) == 1
    await catalog.close()


async def test_a_catalog_is_not_opened_on_a_replica_alone(url: str, standby: Postgres) -> None:
    replica = await Catalog.open(standby.url(database_of(url)), migrate=False)
    with pytest.raises(CatalogUnavailable, match="not a replica"):
        async with replica.begin() as tx:
            await publish.unpublish(tx, A, datetime.now().astimezone())
    await replica.close()


async def is_standby(tx: Tx) -> bool:
    return bool((await tx.execute(text("SELECT pg_is_in_recovery()"))).scalar_one())


async def until_there(catalog: Catalog) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            async with catalog.connect() as tx:
                await tracks.get(tx, A)
        except NotFound:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        else:
            return

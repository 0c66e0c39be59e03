"""The audit is durable before anybody goes on, and any change of it is found."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from catalog import audit as rows
from catalog.audit import AuditFilter
from catalog.database import Rows, Write
from catalog.engine import Catalog
from catalog.errors import CatalogUnavailable
from drm import audit as audit_module
from drm.audit import (
    Audit,
    AuditEntry,
    AuditEvent,
    AuditKeyUnavailable,
    AuditLog,
    NoAudit,
    open_key,
    token_name,
)
from drm.audit_check import Verified, verify
from drm.errors import AuditBroken, AuditUnavailable
from tests.drm.conftest import AUDIT_KEY


def entry(number: int = 0, event: AuditEvent = AuditEvent.LICENSE) -> AuditEntry:
    return AuditEntry(event, f"token:{number}", "entitled", {"kids": ["00" * 16]}, "203.0.113.7")


async def checked(catalog: Catalog, mark: str | None = None, key: bytes = AUDIT_KEY) -> Verified:
    async with catalog.connect() as tx:
        return await verify(tx, key, mark)


async def fill(catalog: Catalog, *counts: int) -> None:
    """A chain for each count, with so many entries after its first."""
    for count in counts:
        log = AuditLog(catalog, AUDIT_KEY)
        for number in range(count):
            await log.record(entry(number))
        await log.close()


async def test_an_entry_is_durable_when_record_returns(catalog: Catalog, audit: AuditLog) -> None:
    await audit.record(entry(7))
    async with catalog.connect() as tx:
        (found, opening) = await rows.newest(tx, AuditFilter(), 10)
    assert (found.event, found.who, found.why, found.whence) == (
        "license", "token:7", "entitled", "203.0.113.7",
    )  # fmt: skip
    assert json.loads(found.what) == {"kids": ["00" * 16]}
    assert (opening.event, opening.position, found.position) == ("chain.opened", 0, 1)


async def test_those_who_come_together_share_a_transaction(
    catalog: Catalog, audit: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await audit.record(entry())
    transactions = 0
    write = catalog.write

    async def counted(*work: tuple[Write, Rows]) -> None:
        nonlocal transactions
        transactions += 1
        await write(*work)

    monkeypatch.setattr(catalog, "write", counted)
    await asyncio.gather(*(audit.record(entry(number)) for number in range(200)))
    assert transactions <= 3
    assert (await checked(catalog)).entries == 202
    async with catalog.connect() as tx:
        found = await rows.newest(tx, AuditFilter(event="license"), 1000)
        assert len(await rows.page(tx, AuditFilter(), None, 1000)) <= 5  # rows, that is
    assert [one.who for one in reversed(found)] == ["token:0", *(f"token:{n}" for n in range(200))]


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("token:77", "token:78"), ('"entitled"],', '"entitled" ],'), ("203.0.113.7", "\\u0032")],
)
async def test_an_edited_entry_of_many_is_found(
    catalog: Catalog, audit: AuditLog, edit: Callable[..., None], was: str, becomes: str
) -> None:
    await audit.record(entry())
    await asyncio.gather(*(audit.record(entry(number)) for number in range(100)))
    await checked(catalog)
    edit("UPDATE audit_entries SET what = replace(what, ?, ?) WHERE event = 'batch'", was, becomes)
    with pytest.raises(AuditBroken, match="row 2 was edited"):
        await checked(catalog)


@pytest.mark.parametrize("what", ["", "[1]", "[[1]]", "{}", '[["x",1,1,{},1,1]]'])
async def test_a_batch_that_became_something_else_can_be_listed(
    catalog: Catalog, audit: AuditLog, edit: Callable[..., None], what: str
) -> None:
    await asyncio.gather(*(audit.record(entry(number)) for number in range(9)))
    edit("UPDATE audit_entries SET what = ? WHERE event = 'batch'", what)
    async with catalog.connect() as tx:
        assert (await rows.newest(tx, AuditFilter(), 9))[0].what == what or what == "{}"


async def test_what_is_in_batches_is_found(catalog: Catalog, audit: AuditLog) -> None:
    odd = AuditEntry(AuditEvent.DENIED, 'ann"e \N{SNOWMAN}', "no%", {"k\\": [1, "%_"]}, "::1")
    await audit.record(*map(entry, range(30)), odd, *map(entry, range(30)))
    async with catalog.connect() as tx:
        for text in ('ann"e', "\N{SNOWMAN}", "ANN", "%_", "::1", "token:29", "00" * 16):
            assert await rows.newest(tx, AuditFilter(text=text), 100), text
        assert await rows.newest(tx, AuditFilter(text="no%"), 100) == ()  # it is the reason
        (found,) = await rows.newest(tx, AuditFilter(event="denied"), 100)
        assert (found.who, found.why, found.what) == (odd.who, odd.why, '{"k\\\\":[1,"%_"]}')
        first = await rows.newest(tx, AuditFilter(until_us=found.at_us), 100)
        since = await rows.newest(tx, AuditFilter(since_us=found.at_us), 100)
        assert (len(first), len(since)) == (0, 62)


async def test_chains_of_many_processes_are_anchored_in_each_other(catalog: Catalog) -> None:
    logs = [AuditLog(catalog, AUDIT_KEY) for _ in range(4)]
    for round_ in range(5):
        await asyncio.gather(*(log.record(entry(round_)) for log in logs))
    assert (await checked(catalog)).chains == 4
    assert (await checked(catalog)).entries == 4 * 6


async def test_nobody_recorded_nothing(catalog: Catalog) -> None:
    silent: Audit = NoAudit()
    await silent.record(entry())
    assert await checked(catalog) == Verified(0, 0, "")


class Refusing:
    """A catalog that can be away."""

    def __init__(self, catalog: Catalog) -> None:
        self.inner = catalog
        self.away = False

    def transact(self, work: object) -> object:
        return self.answering().transact(work)  # type: ignore[arg-type]  # passed on as it is

    def write(self, *work: tuple[Write, Rows]) -> object:
        return self.answering().write(*work)

    def answering(self) -> Catalog:
        if self.away:
            raise rows_error()
        return self.inner


def rows_error() -> Exception:

    return CatalogUnavailable("catalog.db: no space left on device")


async def test_what_cannot_be_recorded_does_not_happen(catalog: Catalog) -> None:
    refusing = Refusing(catalog)
    log = AuditLog(refusing, AUDIT_KEY)  # type: ignore[arg-type]  # it answers as a catalog does
    await log.record(entry())
    refusing.away = True
    results = await asyncio.gather(*(log.record(entry()) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, AuditUnavailable) for result in results)
    refusing.away = False
    await log.record(entry())  # and then it goes on, in a new chain
    assert (await checked(catalog)).chains == 2


async def test_best_effort_waits_for_nobody_and_fails_nobody(catalog: Catalog) -> None:
    refusing = Refusing(catalog)
    log = AuditLog(refusing, AUDIT_KEY, required=False)  # type: ignore[arg-type]  # as above
    refusing.away = True
    await log.record(entry())
    await log.close()
    refusing.away = False
    await log.record(entry())
    await log.close()
    assert (await checked(catalog)).entries == 3  # what could not be written is, with the next


async def test_best_effort_keeps_so_many_and_counts_what_it_loses(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit_module, "_MAX_QUEUE", 4)
    refusing = Refusing(catalog)
    log = AuditLog(refusing, AUDIT_KEY, required=False)  # type: ignore[arg-type]  # as above
    refusing.away = True
    for _ in range(7):
        await log.record(entry())
    await log.close()
    assert caplog.text.count("are lost") == 1
    refusing.away = False
    await log.close()
    assert (await checked(catalog)).entries == 5  # and the chain's first


async def test_a_caller_who_leaves_takes_nothing_along(catalog: Catalog, audit: AuditLog) -> None:
    leaving = asyncio.create_task(audit.record(entry(1)))
    staying = asyncio.create_task(audit.record(entry(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert (await checked(catalog)).entries == 3


async def test_long_and_odd_texts_are_kept_as_what_they_can_be(
    catalog: Catalog, audit: AuditLog
) -> None:
    await audit.record(AuditEntry(AuditEvent.DENIED, "x" * 999, "\ud800\0", {"\n": "\ud800"}, ""))
    assert (await checked(catalog)).entries == 2


def test_a_token_has_a_name_that_is_of_no_use() -> None:
    assert token_name("secret") == token_name("secret") != token_name("other")
    assert "secret" not in token_name("secret")


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    key = open_key(path, create=True)
    assert open_key(path, create=True) == key
    path.chmod(0o640)
    with pytest.raises(AuditKeyUnavailable, match="chmod 600"):
        open_key(path, create=False)


@pytest.fixture
def edit(catalog: Catalog, tmp_path: Path) -> Callable[..., None]:
    """SQL behind our back."""

    def run(sql: str, *values: object) -> None:
        with closing(sqlite3.connect(tmp_path / "catalog.db")) as database:
            database.executescript(
                "DROP TRIGGER IF EXISTS audit_entries_no_update;"
                "DROP TRIGGER IF EXISTS audit_entries_no_delete;"
            )
            assert database.execute(sql, values).rowcount > 0
            database.commit()

    return run


CHAIN = "(SELECT chain FROM audit_chains WHERE number = ?)"


@pytest.mark.parametrize("column", ["at_us", "event", "who", "what", "whence", "why", "hash"])
@pytest.mark.parametrize("position", [0, 3, 5])
async def test_every_edited_entry_is_found(
    catalog: Catalog, edit: Callable[..., None], column: str, position: int
) -> None:
    await fill(catalog, 5, 2)
    value: object = {"at_us": 1, "hash": bytes(32)}.get(column, "edited")
    edit(
        f"UPDATE audit_entries SET {column} = ? WHERE position = ? AND chain = {CHAIN}",
        value, position, 1,
    )  # fmt: skip
    with pytest.raises(AuditBroken, match=f"row {position} was edited"):
        await checked(catalog)


@pytest.mark.parametrize("chain", [1, 2, 3])
@pytest.mark.parametrize("position", range(4))
async def test_every_entry_that_was_taken_out_is_missed(
    catalog: Catalog, edit: Callable[..., None], chain: int, position: int
) -> None:
    await fill(catalog, 3, 3, 3)
    edit(f"DELETE FROM audit_entries WHERE position = ? AND chain = {CHAIN}", position, chain)
    with pytest.raises(AuditBroken):
        await checked(catalog)


async def test_entries_that_changed_places_are_found(
    catalog: Catalog, edit: Callable[..., None]
) -> None:
    await fill(catalog, 4)
    edit("UPDATE audit_entries SET position = 99 WHERE position = ?", 2)
    edit("UPDATE audit_entries SET position = 2 WHERE position = ?", 3)
    edit("UPDATE audit_entries SET position = 3 WHERE position = ?", 99)
    with pytest.raises(AuditBroken, match="row 2 was edited or moved"):
        await checked(catalog)


async def test_a_chain_that_was_cut_short_with_its_head_is_found(
    catalog: Catalog, edit: Callable[..., None]
) -> None:
    """Whoever can write everything but has not got the key cannot make a seal."""
    await fill(catalog, 4)
    edit("DELETE FROM audit_entries WHERE position = ?", 4)
    edit(
        "UPDATE audit_chains SET entries = 4,"
        " head = (SELECT hash FROM audit_entries WHERE position = 3) WHERE number = ?",
        1,
    )
    with pytest.raises(AuditBroken, match="written anew"):
        await checked(catalog)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_chain_that_was_taken_out_whole_is_missed(
    catalog: Catalog, edit: Callable[..., None], number: int
) -> None:
    await fill(catalog, 2, 2, 2)
    edit(f"DELETE FROM audit_entries WHERE chain = {CHAIN}", number)
    edit("DELETE FROM audit_chains WHERE number = ?", number)
    with pytest.raises(AuditBroken, match="taken out"):
        await checked(catalog)


async def test_a_head_that_was_taken_out_is_missed(
    catalog: Catalog, edit: Callable[..., None]
) -> None:
    await fill(catalog, 2, 2)
    edit("DELETE FROM audit_chains WHERE number = ?", 2)
    with pytest.raises(AuditBroken, match="its head was taken out"):
        await checked(catalog)


async def test_the_mark_of_an_earlier_run_proves_that_nothing_was_lost(
    catalog: Catalog, edit: Callable[..., None]
) -> None:
    await fill(catalog, 2, 2)
    mark = (await checked(catalog)).mark
    await fill(catalog, 2)
    await checked(catalog, mark)
    # The last chains whole, which nothing in the catalog itself remembers.
    for number in (3, 2):
        edit(f"DELETE FROM audit_entries WHERE chain = {CHAIN}", number)
        edit("DELETE FROM audit_chains WHERE number = ?", number)
    await checked(catalog)
    with pytest.raises(AuditBroken, match="what the mark stands for"):
        await checked(catalog, mark)
    with pytest.raises(AuditBroken, match="none that"):
        await checked(catalog, "nonsense")


async def test_another_key_is_not_ours(catalog: Catalog) -> None:
    await fill(catalog, 1)
    with pytest.raises(AuditBroken, match="seal is not ours"):
        await checked(catalog, key=bytes(32))


@pytest.mark.parametrize("what", ["UPDATE audit_entries SET who = ''", "DELETE FROM audit_entries"])
async def test_the_database_itself_only_adds(catalog: Catalog, tmp_path: Path, what: str) -> None:
    await fill(catalog, 1)
    with closing(sqlite3.connect(tmp_path / "catalog.db")) as database:
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
            database.execute(what)
        database.rollback()


async def test_filters_and_pages(catalog: Catalog, audit: AuditLog) -> None:
    for number in range(5):
        await audit.record(entry(number), entry(number, AuditEvent.DENIED))
    async with catalog.connect() as tx:
        denied = await rows.newest(tx, AuditFilter(event="denied"), 100)
        of_three = await rows.newest(tx, AuditFilter(text="token:3"), 100)
        assert await rows.newest(tx, AuditFilter(text="%"), 100) == ()
        assert await rows.newest(tx, AuditFilter(until_us=1), 100) == ()
        assert len(await rows.newest(tx, AuditFilter(since_us=1), 100)) == 11
        pages = [await rows.page(tx, AuditFilter(), None, 4)]
        while pages[-1]:
            pages.append(await rows.page(tx, AuditFilter(), pages[-1][-1], 4))
    assert [found.who for found in denied] == [f"token:{number}" for number in (4, 3, 2, 1, 0)]
    assert len(of_three) == 2
    everything = [
        found for page in pages for row in page for found in rows.matching(row, AuditFilter())
    ]
    assert sorted((found.at_us, found.position) for found in everything) == [
        (found.at_us, found.position) for found in everything
    ]
    assert len(everything) == 11
    assert len({found.position for found in everything}) == 6  # rows

"""The audit's rows: added in one transaction or not at all, on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from catalog import audit, sqlite
from catalog.audit import AuditFilter
from catalog.audit_batches import batched, entries_of
from catalog.database import Write
from catalog.engine import Catalog
from catalog.errors import CatalogError, CatalogUnavailable
from catalog.records import AuditChainRecord, AuditRecord
from catalog.schema import audit_chains

CHAIN = AuditChainRecord("c" * 16, 1, 1, b"h" * 32, b"s" * 32)


def entry(position: int) -> AuditRecord:
    what = '{"n":"\\u2603"}'
    return AuditRecord("c" * 16, position, 5, "license", "ada", what, "", "entitled", b"h" * 32)


@pytest.fixture
async def begun(catalog: Catalog) -> Catalog:
    async with catalog.begin() as tx:
        await audit.begin_chain(tx, CHAIN, [entry(0)])
    return catalog


async def test_entries_and_the_chains_state_come_together(begun: Catalog) -> None:
    grown = replace(CHAIN, entries=3, head=b"H" * 32, seal=b"S" * 32)
    await audit.extend(begun, grown, [entry(1), entry(2)])
    async with begun.connect() as tx:
        assert await audit.last_chain(tx) == grown
        assert await audit.of_chain(tx, CHAIN.chain, -1, 9) == (entry(0), entry(1), entry(2))


async def test_what_fails_leaves_nothing_and_the_next_one_works(begun: Catalog) -> None:
    with pytest.raises(CatalogError):
        await audit.extend(begun, replace(CHAIN, entries=9), [entry(1), entry(0)])
    async with begun.connect() as tx:
        assert await audit.last_chain(tx) == CHAIN
        assert await audit.newest(tx, AuditFilter(), 9) == (entry(0),)
    await audit.extend(begun, replace(CHAIN, entries=2), [entry(1)])


async def test_a_writer_that_has_to_wait_for_too_long_says_so(
    begun: Catalog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database != "sqlite":
        pytest.skip("on PostgreSQL nobody waits for another's rows")
    monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    async with begun.begin():
        with pytest.raises(CatalogUnavailable, match="another process kept it locked"):
            await audit.extend(begun, CHAIN, [entry(1)])


def test_rows_are_in_the_order_of_the_parameters() -> None:
    with pytest.raises(ValueError, match="in this order"):
        _ = Write(update(audit_chains), ("seal", "head")).sqlite


def test_a_row_holds_a_bounded_number_of_entries() -> None:
    facts = [entry(0)[2:8]] * 2001
    written = batched(facts)
    assert [one[1] for one in written] == ["batch", "batch", "license"]
    found = [
        read for one in written for read in entries_of(AuditRecord("c" * 16, 7, *one, b"h" * 32))
    ]
    assert [one[2:8] for one in found] == facts

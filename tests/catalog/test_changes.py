"""The feed of changes: nothing is missed, whatever is written side by side."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import delete

from catalog import changes, publish
from catalog.changes import Reader
from catalog.engine import Catalog
from catalog.schema import changes as rows
from tests.support.publications import make_publication

A, RELEASE = "t" + "a" * 20, "r" + "a" * 20


async def read(catalog: Catalog, reader: Reader) -> frozenset[str]:
    async with catalog.connect() as tx:
        return await reader.read(tx)


async def note(catalog: Catalog, *items: str) -> None:
    async with catalog.begin() as tx:
        await changes.note(tx, items)


async def test_what_looks_different_is_noted(catalog: Catalog, now: datetime) -> None:
    reader = Reader()
    await read(catalog, reader)
    async with catalog.begin() as tx:
        await publish.publish(tx, make_publication(), now)
    assert {A, RELEASE} < await read(catalog, reader)
    known = reader.known
    assert reader.is_current(A, known)
    async with catalog.begin() as tx:
        await publish.unpublish(tx, A, now)
    assert reader.is_current(A, known)  # as far as is known
    assert A in await read(catalog, reader)
    assert not reader.is_current(A, known)
    assert reader.is_current("t" + "b" * 20, known)
    assert await read(catalog, reader) == frozenset()


async def test_a_number_that_comes_late_is_not_missed(catalog: Catalog, database: str) -> None:
    if database == "sqlite":
        pytest.skip("there is one writer at a time")
    reader = Reader()
    await note(catalog, "a")
    await read(catalog, reader)
    slow = catalog.begin()
    tx = await slow.__aenter__()
    await changes.note(tx, ["slow"])
    await note(catalog, "fast")
    assert await read(catalog, reader) == {"fast"}
    known = reader.known  # below that of the slow one
    await slow.__aexit__(None, None, None)
    assert await read(catalog, reader) == {"slow"}
    assert not reader.is_current("slow", known)
    assert reader.known > known
    late = Reader()
    await read(catalog, late)
    assert late.changed == reader.changed


async def test_who_has_been_away_for_too_long_begins_anew(catalog: Catalog) -> None:
    reader = Reader()
    await note(catalog, "a")
    await read(catalog, reader)
    known = reader.known
    await note(catalog, "b")
    await note(catalog, "c")
    async with catalog.begin() as tx:
        await tx.execute(delete(rows).where(rows.c.number < known + 2))
    await read(catalog, reader)
    assert not reader.is_current("b", known)
    assert reader.is_current("b", reader.known)


async def test_old_ones_are_pruned(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "KEPT", 20)
    monkeypatch.setattr(changes, "_PRUNED_EVERY", 10)
    for number in range(50):
        await note(catalog, str(number))
    reader = Reader()
    found = await read(catalog, reader)
    assert 20 <= len(found) <= 31
    assert "49" in found


async def test_writers_side_by_side_are_all_seen(catalog: Catalog) -> None:
    reader = Reader()
    await read(catalog, reader)
    seen: set[str] = set()
    writing = asyncio.gather(*(note(catalog, f"{n}", f"{n}+") for n in range(12)))
    while not writing.done():
        seen |= await read(catalog, reader)
        await asyncio.sleep(0)
    seen |= await read(catalog, reader)
    assert seen == {f"{n}{plus}" for n in range(12) for plus in ("", "+")}

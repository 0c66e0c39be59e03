"""A catalog is copied whole or not at all, in both directions."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from catalog import audit, copying, keks, publish, rights, tracks
from catalog.album_loudness import Histogram, LoudnessBlocks
from catalog.engine import Catalog
from catalog.errors import CatalogError
from catalog.records import AuditChainRecord, AuditRecord, RightsRecord, WindowRecord
from catalog.schema import metadata
from catalog.schema import tracks as track_rows
from tests.servers.postgres import Postgres
from tests.support.publications import make_publication

pytestmark = pytest.mark.server

A = "t" + "a" * 20


@pytest.fixture(params=["to postgresql", "to sqlite"])
async def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_template: Path,
    postgres: Postgres,
    postgres_template: str,
) -> AsyncIterator[tuple[Catalog, Catalog]]:
    """A catalog, and an empty one of the other kind."""
    shutil.copyfile(sqlite_template, tmp_path / "catalog.db")
    here = f"sqlite+aiosqlite:///{tmp_path}/catalog.db"
    there = postgres.create(postgres_template)
    urls = (here, there) if request.param == "to postgresql" else (there, here)
    source, target = [await Catalog.open(url) for url in urls]
    yield source, target
    await source.close()
    await target.close()
    postgres.drop(there)


async def fill(catalog: Catalog, now: datetime) -> None:
    blocks = LoudnessBlocks(*(Histogram.of([-14.3, -20.1, -9.9] * 40),) * 2)
    for number, letter in enumerate("abcdefg"):
        one = make_publication(
            letter,
            revision=f"{number + 1}",
            artists=("Sigur Rós", f"Ártist {letter}"),
            title=f"Ólafur's №{number} 🎵",
            lyrics="la\nla" if number % 2 else None,
            replaygain_track_db=-3.1 - number / 7,
        )
        one = replace(one, revision=replace(one.revision, loudness_blocks=blocks))
        async with catalog.begin() as tx:
            await publish.publish(tx, one, now)
    chain = AuditChainRecord("c", 1, 1, b"h" * 32, b"s" * 32)
    entry = AuditRecord("c", 0, 17, "license", "who", "{}", "", "why", b"h" * 32)
    window = WindowRecord("DE", now, None, licensed=True)
    async with catalog.begin() as tx:
        await publish.embargo(tx, A, now, now)
        await keks.count_wraps(tx, "local", 1, 64, now)
        await rights.put(tx, RightsRecord(A, (window,), True, now))
        await audit.begin_chain(tx, chain, [entry])


async def rows_of(catalog: Catalog) -> dict[str, list[tuple[object, ...]]]:
    async with catalog.connect() as tx:
        return {
            table.name: sorted(map(tuple, await tx.execute(select(table))), key=str)
            for table in metadata.sorted_tables
        }


async def test_every_row_arrives_and_new_ones_fit_behind_them(
    pair: tuple[Catalog, Catalog], now: datetime
) -> None:
    source, target = pair
    await fill(source, now)
    seen: list[tuple[str, str, int]] = []
    counts = await copying.copy(source, target, lambda *one: seen.append(one))
    assert await rows_of(target) == await rows_of(source)
    assert counts["tracks"] == 7
    assert counts["renditions"] == 21
    assert counts["artists"] == 8
    assert ("copied", "tracks", 7) in seen
    assert ("compared", "tracks", 7) in seen
    later = make_publication("h", revision="1", artists=("Somebody New",))
    async with target.begin() as tx:
        await publish.publish(tx, later, now)
        assert (await tracks.get(tx, "t" + "h" * 20)).artists == ("Somebody New",)
    with pytest.raises(CatalogError):  # the references that were opened are closed again
        async with target.begin() as tx:
            await tx.execute(update(track_rows).values(current_revision="nowhere"))


async def test_what_is_there_already_is_not_touched(
    pair: tuple[Catalog, Catalog], now: datetime
) -> None:
    source, target = pair
    await fill(source, now)
    async with target.begin() as tx:
        await keks.count_wraps(tx, "local", 1, 64, now)
    before = await rows_of(target)
    with pytest.raises(CatalogError, match="the target is not empty: it has keks already"):
        await copying.copy(source, target, lambda *_: None)
    assert await rows_of(target) == before


async def test_a_copy_that_differs_is_no_copy(pair: tuple[Catalog, Catalog], now: datetime) -> None:
    source, target = pair
    await fill(source, now)
    async with target.begin() as tx:
        if tx.dialect.name == "postgresql":
            await tx.execute(
                text(
                    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN NEW.duration_s := 3; RETURN NEW; END $$"
                )
            )
            spoil = "BEFORE INSERT ON tracks FOR EACH ROW EXECUTE FUNCTION spoil()"
        else:
            spoil = "AFTER INSERT ON tracks BEGIN UPDATE tracks SET duration_s = 3; END"
        await tx.execute(text(f"CREATE TRIGGER spoil {spoil}"))
    with pytest.raises(CatalogError, match=r"tracks ta+: is not the same in the copy"):
        await copying.copy(source, target, lambda *_: None)
    assert not any((await rows_of(target)).values())


@pytest.mark.parametrize("pair", ["to postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": "a\0b"}, "tracks ta+: title holds a NUL character"),
        ({"isrc": "X" * 13}, "tracks ta+: isrc has 13 characters, more than 12"),
    ],
)
async def test_a_value_that_postgresql_cannot_keep_is_named(
    pair: tuple[Catalog, Catalog], now: datetime, change: dict[str, str], message: str
) -> None:
    source, target = pair
    await fill(source, now)
    async with source.begin() as tx:
        await tx.execute(update(track_rows).where(track_rows.c.track_id == A).values(**change))
    with pytest.raises(CatalogError, match=message):
        await copying.copy(source, target, lambda *_: None)
    async with target.connect() as tx:
        assert (await tx.execute(select(func.count()).select_from(track_rows))).scalar_one() == 0

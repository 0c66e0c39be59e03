"""Rights of tracks and releases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from catalog import rights
from catalog.engine import Catalog
from catalog.records import RightsRecord, WindowRecord

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
TRACK = "t" + "a" * 20
RELEASE = "r" + "b" * 20
EVERYWHERE = RightsRecord(RELEASE, (), offline=True, updated_at=NOW)
LIMITED = RightsRecord(
    TRACK,
    (
        WindowRecord("DE", NOW, NOW + timedelta(days=1)),
        WindowRecord("*", None, None),
        WindowRecord("FR", None, None, licensed=False),
    ),
    offline=False,
    updated_at=NOW,
)


async def test_what_was_put_is_read_in_its_order(catalog: Catalog) -> None:
    async with catalog.begin() as tx:
        await rights.put(tx, LIMITED)
        await rights.put(tx, EVERYWHERE)
    async with catalog.connect() as tx:
        assert await rights.of_owners(tx, [TRACK, RELEASE, "nobody"]) == {
            TRACK: LIMITED,
            RELEASE: EVERYWHERE,
        }


async def test_putting_again_replaces_all_of_it(catalog: Catalog) -> None:
    paris = timezone(timedelta(hours=1))
    later = RightsRecord(
        TRACK, (WindowRecord("FR", NOW.astimezone(paris), None),), offline=True, updated_at=NOW
    )
    async with catalog.begin() as tx:
        await rights.put(tx, LIMITED)
        await rights.put(tx, later)
        assert await rights.of_owners(tx, [TRACK]) == {TRACK: later}


async def test_clearing_says_whether_there_were_any(catalog: Catalog) -> None:
    async with catalog.begin() as tx:
        await rights.put(tx, LIMITED)
        assert await rights.clear(tx, TRACK)
        assert not await rights.clear(tx, TRACK)
        assert await rights.of_owners(tx, [TRACK]) == {}

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from catalog import external_keys, keys
from catalog.engine import Catalog
from catalog.records import WrappedKeyRecord

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
RECORD = WrappedKeyRecord(
    kid=bytes(16),
    tenant="default",
    track_id="a film",
    revision=external_keys.REVISION,
    tier=external_keys.TIER,
    scheme="cbcs",
    kek_id="local",
    kek_version=1,
    nonce=b"nonce",
    wrapped=b"wrapped",
    iv=bytes(16),
)


async def stored(catalog: Catalog, *kids: bytes) -> tuple[WrappedKeyRecord, ...]:
    async with catalog.connect() as tx:
        return await external_keys.of_content(tx, "default", "a film", "cbcs", kids)


async def test_what_is_stored_is_read_again(catalog: Catalog) -> None:
    other = replace(RECORD, kid=b"k" * 16)
    async with catalog.begin() as tx:
        assert not await keys.exist(tx)
        await external_keys.add(tx, [RECORD, other], NOW)
        assert await keys.exist(tx)
    assert set(await stored(catalog, RECORD.kid, other.kid, b"x" * 16)) == {RECORD, other}
    assert await stored(catalog, other.kid) == (other,)


async def test_the_first_key_of_a_name_stays(catalog: Catalog) -> None:
    for wrapped in (b"first", b"second"):
        async with catalog.begin() as tx:
            await external_keys.add(tx, [replace(RECORD, wrapped=wrapped)], NOW)
    assert [one.wrapped for one in await stored(catalog, RECORD.kid)] == [b"first"]


async def test_one_kid_has_a_key_for_each_tenant_content_and_scheme(catalog: Catalog) -> None:
    others = [
        replace(RECORD, tenant="other", wrapped=b"1"),
        replace(RECORD, track_id="another film", wrapped=b"2"),
        replace(RECORD, scheme="cenc", wrapped=b"3"),
    ]
    async with catalog.begin() as tx:
        await external_keys.add(tx, [RECORD, *others], NOW)
        assert await keys.count_under(tx) == {("local", 1): 4}
    assert await stored(catalog, RECORD.kid) == (RECORD,)


async def test_a_rotation_finds_all_and_exchanges_what_is_as_it_was(catalog: Catalog) -> None:
    records = [replace(RECORD, kid=bytes([n]) * 16) for n in range(3)]
    async with catalog.begin() as tx:
        await external_keys.add(tx, records, NOW)
        first = await external_keys.not_under(tx, "local", 2, 0, 2)
        rest = await external_keys.not_under(tx, "local", 2, first[-1][0], 2)
        assert [record for _, record in (*first, *rest)] == records
        new = [replace(one, kek_version=2, nonce=b"n", wrapped=b"w") for one in records]
        stale = (replace(records[0], nonce=b"older"), new[0])
        assert await external_keys.replace_wrapping(tx, []) == 0
        assert await external_keys.replace_wrapping(tx, [stale]) == 0
        pairs = list(zip(records, new, strict=True))
        assert await external_keys.replace_wrapping(tx, pairs) == 3
        assert await external_keys.not_under(tx, "local", 2, 0, 9) == ()
    assert set(await stored(catalog, *(one.kid for one in records))) == set(new)

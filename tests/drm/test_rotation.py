"""Rotation moves every key, once, and leaves nothing that does not open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from catalog import audit as audit_rows
from catalog import keys
from catalog.audit import AuditFilter
from catalog.engine import Catalog
from catalog.schema import keys as keys_table
from drm import key_admin
from drm.audit import AuditEvent, Auditor
from drm.errors import KekRefused, KekUnavailable, WrongKek
from drm.kek import Kek, LocalKek
from drm.kek_env import EnvKek
from drm.kek_set import KekSet
from drm.keyring import Keyring, key_name
from drm.model import ContentKey
from drm.rotation import Rotation
from tests.support.stored_keys import store_keys


async def opened(catalog: Catalog, keyring: Keyring) -> dict[bytes, ContentKey]:
    return {
        record.kid: await keyring.unwrap(record) async for record in key_admin.all_keys(catalog)
    }


async def under(catalog: Catalog) -> dict[tuple[str, int], int]:
    async with catalog.connect() as tx:
        return await keys.count_under(tx)


async def test_every_key_is_moved_and_stays_what_it_was(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 4)
    done = await Rotation(catalog, keyring, auditor).run()
    assert (done.kek, done.rotated, done.keys, done.failed) == (Kek(kek.id, 2), True, 24, ())
    assert await under(catalog) == {(kek.id, 2): 24}
    assert await opened(catalog, keyring) == known


async def test_a_process_that_runs_sees_the_new_version(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor, tmp_path: Path
) -> None:
    """An origin opened the file before the rotation, and an ingest wraps after it."""
    origin = Keyring(LocalKek.open(tmp_path / "kek.json", create=False))
    known = await store_keys(catalog, keyring, 1)
    await Rotation(catalog, keyring, auditor).run()
    assert await opened(catalog, origin) == known
    await store_keys(catalog, origin, 1, first=1)
    assert await under(catalog) == {(kek.id, 2): 12}


async def test_an_interrupted_run_is_completed_without_another_version(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 2)
    await kek.rotate()  # and then the run was killed
    done = await Rotation(catalog, keyring, auditor).run()
    assert (done.kek.version, done.rotated, done.keys) == (2, False, 12)
    assert await opened(catalog, keyring) == known


async def test_two_runs_side_by_side_do_no_harm(
    catalog: Catalog, keyring: Keyring, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 4)
    await asyncio.gather(*(Rotation(catalog, keyring, auditor).run() for _ in range(3)))
    await Rotation(catalog, keyring, auditor).run(new_version=False)
    assert len(await under(catalog)) == 1
    assert await opened(catalog, keyring) == known


async def test_a_row_that_changed_meanwhile_is_left_alone(
    catalog: Catalog, keyring: Keyring
) -> None:
    await store_keys(catalog, keyring, 1)
    records = [record async for record in key_admin.all_keys(catalog)]
    new = await keyring.rewrap(records[0])
    async with catalog.begin() as tx:
        assert await keys.replace_wrapping(tx, [(records[0], new)]) == 1
        assert await keys.replace_wrapping(tx, [(records[0], new), (records[1], records[1])]) == 1
        assert await keys.replace_wrapping(tx, []) == 0


async def test_rows_that_were_swapped_are_named_and_the_others_moved(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor
) -> None:
    await store_keys(catalog, keyring, 2)
    one, other, *_ = [record async for record in key_admin.all_keys(catalog)]
    async with catalog.begin() as tx:
        for row, wrong in ((one, other), (other, one)):
            swap = update(keys_table).where(keys_table.c.kid == row.kid)
            await tx.execute(swap.values(nonce=wrong.nonce, wrapped=wrong.wrapped))
    done = await Rotation(catalog, keyring, auditor).run()
    assert done.keys == 10
    assert sorted(line.partition(":")[0] for line in done.failed) == sorted(
        key_name(row) for row in (one, other)
    )
    checked = await key_admin.check(catalog, keyring)
    assert len(checked.failed) == 2
    assert checked.under == {Kek(kek.id, 1): 2, Kek(kek.id, 2): 10}
    again = await Rotation(catalog, keyring, auditor).run()  # they keep nobody else from it
    assert (again.kek.version, again.rotated, again.keys) == (3, True, 10)
    with pytest.raises(KekRefused, match=f"2 keys need.*{key_name(one)}"):
        await key_admin.retire(catalog, keyring, auditor, 2, now=lambda: datetime.now(UTC))


async def test_moving_to_another_kek(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 1)
    new = EnvKek.parse("KEK", "0f" * 32)
    with pytest.raises(WrongKek, match=kek.id):
        await opened(catalog, Keyring(new))
    both = Keyring(KekSet(new, [kek]))
    done = await Rotation(catalog, both, auditor).run(new_version=False)
    assert (done.kek, done.rotated, done.keys) == (Kek(new.id, 1), False, 6)
    assert await opened(catalog, Keyring(new)) == known


async def test_it_is_in_the_audit(catalog: Catalog, keyring: Keyring, auditor: Auditor) -> None:
    await store_keys(catalog, keyring, 1)
    await Rotation(catalog, keyring, auditor).run()
    async with catalog.connect() as tx:
        found = await audit_rows.newest(tx, AuditFilter(), 10)
    events = [entry.event for entry in reversed(found)]
    assert events == ["chain.opened", AuditEvent.KEK_ROTATED, AuditEvent.KEYS_REWRAPPED]
    assert {entry.who for entry in found[:2]} == {"operator:ada@studio"}


async def test_a_kek_file_that_becomes_another_one_is_refused(
    kek: LocalKek, tmp_path: Path
) -> None:
    wrapped = await kek.wrap(b"x", b"")
    (tmp_path / "kek.json").rename(tmp_path / "old.json")
    LocalKek.open(tmp_path / "kek.json", create=True)
    with pytest.raises(KekUnavailable, match="holds another KEK now"):
        await kek.wrap(b"x", b"")
    assert await kek.unwrap(wrapped, b"") == b"x"  # players go on, with what it held before
    with pytest.raises(WrongKek):
        await kek.unwrap(replace(wrapped, kek=Kek("other", 1)), b"")

"""Keys for contents that are packaged elsewhere: made once, kept, and moved with all others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from catalog import keys
from catalog.engine import Catalog
from catalog.schema import external_keys as table
from drm import key_admin
from drm.audit import Auditor
from drm.errors import KekRefused, WrongKek
from drm.external_keys import ExternalKeys
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.model import ContentKey
from drm.rotation import Rotation
from drm.speke import WantedKey
from packager.model import Kid, Scheme

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
WANTED = tuple(WantedKey(Kid(bytes([n] * 16))) for n in range(5))


async def obtained(
    catalog: Catalog, keyring: Keyring, tenant: str = "default"
) -> dict[Kid, ContentKey]:
    made = ExternalKeys(catalog, keyring, tenant)
    return await made.obtain("a film", Scheme.CBCS, WANTED, NOW)


async def test_what_is_asked_for_again_is_the_same(catalog: Catalog, keyring: Keyring) -> None:
    first = await obtained(catalog, keyring)
    assert await obtained(catalog, keyring) == first
    assert list(map(len, {(one.key, one.iv) for one in first.values()})) == [2] * len(WANTED)
    other = await obtained(catalog, keyring, tenant="other")
    assert {one.key for one in first.values()}.isdisjoint(one.key for one in other.values())


async def test_asked_for_at_once_it_is_one_key(catalog: Catalog, keyring: Keyring) -> None:
    found = await asyncio.gather(*(obtained(catalog, keyring) for _ in range(8)))
    assert all(one == found[0] for one in found)


async def test_a_rotation_moves_them_too(
    catalog: Catalog, keyring: Keyring, kek: LocalKek, auditor: Auditor
) -> None:
    known = await obtained(catalog, keyring)
    with pytest.raises(KekRefused, match="5 keys need version 1"):
        await key_admin.retire(catalog, keyring, auditor, 1, now=lambda: NOW, at_once=True)
    done = await Rotation(catalog, keyring, auditor).run()
    assert (done.keys, done.failed) == (5, ())
    async with catalog.connect() as tx:
        assert await keys.count_under(tx) == {(kek.id, 2): 5}
    await key_admin.retire(catalog, keyring, auditor, 1, now=lambda: NOW, at_once=True)
    assert await obtained(catalog, keyring) == known
    assert (await key_admin.check(catalog, keyring)).failed == ()


async def test_an_altered_row_does_not_open(
    catalog: Catalog, keyring: Keyring, auditor: Auditor
) -> None:
    await obtained(catalog, keyring)
    async with catalog.begin() as tx:
        change = update(table).where(table.c.kid == WANTED[0].kid.value)
        await tx.execute(change.values(content_id="another film"))
    with pytest.raises(WrongKek):
        await ExternalKeys(catalog, keyring, "default").obtain(
            "another film", Scheme.CBCS, WANTED[:1], NOW
        )
    assert len((await key_admin.check(catalog, keyring)).failed) == 1
    done = await Rotation(catalog, keyring, auditor).run()
    assert (done.keys, len(done.failed)) == (4, 1)

"""Retiring, exporting, restoring; and how often a KEK may wrap."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog import audit as audit_rows
from catalog import keks
from catalog.audit import AuditFilter
from catalog.engine import Catalog
from drm import kek_backup, key_admin, wrap_budget
from drm.audit import Auditor
from drm.errors import KekExhausted, KekRefused, KekUnavailable
from drm.kek import Kek, KekVersions, LocalKek
from drm.kek_env import EnvKek
from drm.keyring import Keyring
from drm.rotation import Rotation
from drm.wrap_budget import MAX_WRAPS, WrapBudget
from tests.support.stored_keys import store_keys

NOW = datetime.now(UTC)
PASSPHRASE = "correct horse battery staple"


async def test_a_version_is_retired_a_day_after_it_was_replaced(
    catalog: Catalog, keyring: Keyring, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 1)
    with pytest.raises(KekRefused, match="6 keys need version 1"):
        await key_admin.retire(catalog, keyring, auditor, 1, now=lambda: NOW)
    await Rotation(catalog, keyring, auditor).run()
    with pytest.raises(KekRefused, match="less than a day ago"):
        await key_admin.retire(catalog, keyring, auditor, 1, now=lambda: NOW)
    later = datetime.now(UTC) + timedelta(days=1, minutes=1)
    await key_admin.retire(catalog, keyring, auditor, 1, now=lambda: later)
    assert await keyring.kek.versions() == (2,)
    assert len(known) == len((await key_admin.check(catalog, keyring)).under) * 6
    for version in (1, 2, 7):
        with pytest.raises(KekRefused):
            await key_admin.retire(catalog, keyring, auditor, version, now=lambda: later)


async def test_exported_keys_are_in_the_audit_before(
    catalog: Catalog, keyring: Keyring, auditor: Auditor
) -> None:
    known = await store_keys(catalog, keyring, 2)
    found = await key_admin.export(catalog, keyring, auditor, of=("t" + "a" * 20, "1" * 16))
    assert len(found) == 6
    assert all(known[one.key.kid.value] == one.key for one in found)
    async with catalog.connect() as tx:
        entries = await audit_rows.newest(tx, AuditFilter(event="keys.exported"), 100)
    assert {json.loads(entry.what)["kid"] for entry in entries} == {
        one.key.kid.hex for one in found
    }
    assert len(await key_admin.export(catalog, keyring, auditor, of=None)) == 12
    assert found[0].key.key.hex() not in repr(found)


async def test_wraps_are_counted_and_end(
    catalog: Catalog, kek: LocalKek, caplog: pytest.LogCaptureFixture
) -> None:
    budget = WrapBudget(catalog)
    name = await kek.current()
    for _ in range(65):
        await budget.take(name)
    async with catalog.begin() as tx:
        assert [one.wraps for one in await keks.all_versions(tx)] == [128]
        await keks.count_wraps(tx, name.id, name.version, MAX_WRAPS - 256, NOW)
    with caplog.at_level(logging.WARNING):
        await WrapBudget(catalog).take(name)
    assert "rotate it" in caplog.text
    await WrapBudget(catalog).take(name)
    with pytest.raises(KekExhausted, match="headwater keys rotate"):
        await WrapBudget(catalog).take(name)
    await WrapBudget(catalog).take(Kek(name.id, 2))
    assert MAX_WRAPS * 2 == 2**32
    assert wrap_budget._BLOCK < 1000


async def test_a_backup_brings_the_kek_back(kek: LocalKek, tmp_path: Path) -> None:
    old = await kek.wrap(b"secret", b"")
    await kek.rotate()
    text = kek_backup.backup(kek.export(), PASSPHRASE)
    (tmp_path / "kek.json").unlink()
    versions = kek_backup.restore(tmp_path / "backup", text, PASSPHRASE)
    restored = LocalKek.restore(tmp_path / "kek.json", versions)
    assert await restored.current() == Kek(kek.id, 2)
    assert await restored.unwrap(old, b"") == b"secret"
    assert (tmp_path / "kek.json").stat().st_mode & 0o777 == 0o600


async def test_a_backup_holds_no_key_in_the_clear(kek: LocalKek) -> None:
    text = kek_backup.backup(kek.export(), PASSPHRASE).decode()
    document = kek.export().document()["versions"]
    assert isinstance(document, dict)
    assert document["1"] not in text
    assert PASSPHRASE not in text
    assert json.loads(text)["kek"] == kek.id


async def test_another_passphrase_or_an_altered_backup_is_refused(
    kek: LocalKek, tmp_path: Path
) -> None:
    text = kek_backup.backup(kek.export(), PASSPHRASE)
    with pytest.raises(KekRefused, match="another passphrase"):
        kek_backup.restore(tmp_path, text, PASSPHRASE + "!")
    with pytest.raises(KekRefused, match="altered"):
        kek_backup.restore(tmp_path, text.replace(kek.id.encode(), b"other"), PASSPHRASE)
    for broken in (
        b"",
        b"[]",
        text.replace(b"131072", b"1073741824"),
        text.replace(b"KEK b", b"b"),
    ):
        with pytest.raises(KekUnavailable):
            kek_backup.restore(tmp_path, broken, PASSPHRASE)
    with pytest.raises(KekRefused, match="12 characters"):
        kek_backup.backup(kek.export(), "short")


async def test_restoring_adds_and_never_takes_away(kek: LocalKek, tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    before = kek.export()
    await kek.rotate()
    assert await LocalKek.restore(path, before).versions() == (1, 2)
    other = KekVersions(kek.id, 2, {2: bytes(32)})
    with pytest.raises(KekRefused, match="version 2, and these differ"):
        LocalKek.restore(path, other)
    with pytest.raises(KekRefused, match="that is KEK other"):
        LocalKek.restore(path, KekVersions("other", 1, {1: bytes(32)}))


async def test_rotations_at_once_lose_no_version(kek: LocalKek, tmp_path: Path) -> None:
    """Two that both wrote version 2 would lose the keys that one of them wrapped."""
    path = tmp_path / "kek.json"
    (tmp_path / ".kek.json.0123456789abcdef").write_text("left by one that was killed")
    others = [LocalKek.open(path, create=False) for _ in range(3)]
    for one in others:
        await one.rotate()
    assert await kek.versions() == (1, 2, 3, 4)
    assert not list(tmp_path.glob(".kek.json.0*"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "it is not set"),
        ("", "it is not set"),
        ("abc", "not a JSON object"),
        ("{}", "not a JSON object"),
        ('{"format": 1}', "no `id` and `versions`"),
        (
            '{"format": 1, "id": "k", "current": 2, "versions": {"1": "' + "0" * 64 + '"}}',
            "current",
        ),
    ],
)
def test_a_variable_that_is_no_kek(text: str | None, problem: str) -> None:
    with pytest.raises(KekUnavailable, match=problem) as caught:
        EnvKek.parse("KEK_HEADWATER", text)
    assert str(caught.value).startswith("environment variable KEK_HEADWATER: ")
    assert "0" * 64 not in str(caught.value)


def test_another_key_in_the_variable_is_another_kek() -> None:
    assert EnvKek.parse("K", "00" * 32).id != EnvKek.parse("K", "01" * 32).id
    assert EnvKek.parse("K", "00" * 32).id == EnvKek.parse("K", "00" * 32 + "\n").id

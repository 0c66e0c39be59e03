"""A catalog on disk, with a KEK and an audit beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from catalog.engine import Catalog
from drm.audit import AuditLog, Auditor
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.wrap_budget import WrapBudget

AUDIT_KEY = b"a" * 32


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(f"sqlite+aiosqlite:///{tmp_path}/catalog.db")
    yield opened
    await opened.close()


@pytest.fixture
async def audit(catalog: Catalog) -> AsyncIterator[AuditLog]:
    log = AuditLog(catalog, AUDIT_KEY)
    yield log
    await log.close()


@pytest.fixture
def auditor(audit: AuditLog) -> Auditor:
    return Auditor(audit, "operator:ada@studio", "a test")


@pytest.fixture
def kek(tmp_path: Path) -> LocalKek:
    return LocalKek.open(tmp_path / "kek.json", create=True)


@pytest.fixture
def keyring(catalog: Catalog, kek: LocalKek) -> Keyring:
    return Keyring(kek, budget=WrapBudget(catalog))

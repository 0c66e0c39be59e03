"""A catalog on disk, and an instant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.engine import Catalog


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/home/catalog.db"


@pytest.fixture
async def catalog(url: str) -> AsyncIterator[Catalog]:
    opened = await Catalog.open(url)
    yield opened
    await opened.close()

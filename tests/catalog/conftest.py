"""A catalog, on disk and in PostgreSQL: every test here that asks for one runs on both."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.engine import Catalog
from tests.catalog import plans
from tests.servers.postgres import Postgres


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where nothing is yet."""
    if database == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/home/catalog.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    made = server.create()
    yield made
    server.drop(made)


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a catalog is, with nothing in it: a copy, since migrating takes longer."""
    if database == "sqlite":
        file = tmp_path / "home" / "catalog.db"
        file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    made = server.create(request.getfixturevalue("postgres_template"))
    yield made
    server.drop(made)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "catalog.db"

    async def migrate() -> None:
        await (await Catalog.open(f"sqlite+aiosqlite:///{file}")).close()

    asyncio.run(migrate())
    return file


@pytest.fixture
async def catalog(url: str) -> AsyncIterator[Catalog]:
    """Opened; what the test asks it must be found by indexes: that is looked at afterwards."""
    opened = await Catalog.open(url)
    with plans.heard(opened) as statements:
        yield opened
    try:
        await plans.require_indexes(opened, statements)
    finally:
        await opened.close()

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from configs.settings import OriginSettings
from origin.listening import address_url, reserve
from origin.server import start
from origin.state import STATE, OriginDeps, OriginState
from storage.base import StorageError
from storage.testing import FaultyStore
from tests.support import house as houses
from tests.support.house import House


class Watch:
    """What the origin did with the store, and the error that the store is to answer with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.error: StorageError | None = None

    def __call__(self, operation: str, key: str) -> None:
        self.calls.append((operation, key))
        if self.error is not None:
            raise self.error


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin, and a client that does not decode or follow anything by itself."""

    url: str
    port: int
    deps: OriginDeps
    house: House
    client: aiohttp.ClientSession
    runner: web.AppRunner
    watch: Watch

    @property
    def state(self) -> OriginState:
        return self.runner.app[STATE]

    def media(self, rest: str, *tiers: str, ttl_s: int = 600) -> str:
        """The URL of something of the track, under a token for these tiers (none: all)."""
        token = houses.playback_token(self.deps, *tiers, ttl_s=ttl_s)
        return f"{self.url}/v1/t/{token}/tracks/{houses.TRACK}/{houses.REVISION}/{rest}"

    def access(self, subscription: str = "premium") -> dict[str, str]:
        """The Authorization header of a subscriber."""
        token = self.deps.access_tokens.mint("listener", subscription, 60)
        return {"Authorization": f"Bearer {token}"}

    def stored(self, rendition: str) -> bytes:
        """A track file's bytes as they rest."""
        folder = self.house.root / "storage/tracks" / houses.TRACK / houses.REVISION
        return (folder / f"{rendition}.mp4").read_bytes()


@pytest.fixture(scope="session")
def built_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.built(tmp_path_factory)


@pytest.fixture
def house(built_house: House, tmp_path: Path) -> House:
    return houses.copy(built_house, tmp_path / "house")


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(port=0, shutdown_grace_s=1.0)


@pytest.fixture
def unknown_s(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long a change in the catalog may go unseen, in this test.

    Else it is two seconds, which `test_policy_workers` waits for.
    """
    for name in ("packages._STATUS_TTL_S", "editions._TTL_S"):
        monkeypatch.setattr(f"origin.{name}", 0.2)
    return 0.25


@pytest.fixture
def downloads() -> bool:
    """Whether the origin serves plain files of whole tracks."""
    return False


@pytest.fixture
def terms() -> dict[str, Any]:
    """What subscriptions allow: `streams`, `stream_ttl_s` and `offline` of the origin's deps."""
    return {}


@pytest.fixture
async def origin(
    house: House, settings: OriginSettings, terms: dict[str, Any], *, downloads: bool
) -> AsyncIterator[Origin]:
    with reserve("127.0.0.1", 0, shared=False) as listening:
        url = address_url(listening, tls=False)
        port = listening.getsockname()[1]
        watch = Watch()
        async with houses.open_deps(house, settings) as opened:
            store = FaultyStore(opened.store, watch)
            deps = replace(opened, store=store, downloads=downloads, **terms)
            runner = await start(deps, listening)
            async with aiohttp.ClientSession(auto_decompress=False) as client:
                yield Origin(url, port, deps, house, client, runner, watch)
            await runner.cleanup()

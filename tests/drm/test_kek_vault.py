"""What Vault can answer. What every provider does is in tests/contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from drm import kek_vault
from drm.errors import KekAway, KekUnavailable
from drm.kek_vault import VaultKek
from origin.outbound import OutboundClient
from tests.support.vault_server import TOKEN, VaultServer

Open = Callable[..., VaultKek]


@pytest.fixture
async def vault() -> AsyncIterator[VaultServer]:
    async with VaultServer().running() as server:
        yield server


@pytest.fixture
async def opened(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    monkeypatch.setattr(kek_vault, "_PAUSE_S", 0.001)
    async with OutboundClient() as client:

        def make(
            *, key: str = "headwater", token: str = TOKEN, url: str = "", **more: str
        ) -> VaultKek:
            return VaultKek(client, url or vault.url, key, lambda: token, **more)

        yield make


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_busy_server_is_asked_again(vault: VaultServer, opened: Open, status: int) -> None:
    kek = opened()
    vault.failures = [status, status]
    assert (await kek.current()).version == 1
    assert len(vault.requests) == 3


async def test_a_server_that_stays_away_is_told_apart(vault: VaultServer, opened: Open) -> None:
    vault.failures = [503] * 9
    with pytest.raises(KekAway, match="503"):
        await opened().current()
    with pytest.raises(KekAway, match=r"127\.0\.0\.1:1: "):
        await opened(url="http://127.0.0.1:1").current()


async def test_access_that_is_denied_is_no_outage(opened: Open) -> None:
    with pytest.raises(KekUnavailable, match="denies access") as caught:
        await opened(token="hvs.other").wrap(b"x", b"")
    assert not isinstance(caught.value, KekAway)
    assert "hvs" not in str(caught.value)


async def test_a_key_that_is_not_there(opened: Open) -> None:
    with pytest.raises(KekUnavailable, match="no such key"):
        await opened(key="other").current()


async def test_the_namespace_goes_along(vault: VaultServer, opened: Open) -> None:
    await opened(namespace="label/music").current()
    assert vault.namespace == "label/music"


async def test_what_is_no_vault_is_said(opened: Open, vault: VaultServer) -> None:
    vault.key.versions = {0: b""}
    with pytest.raises(KekUnavailable, match="none we know"):
        await opened().current()

"""What the origin writes in the audit, and that nothing is given out that is not in it."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from catalog import audit as rows
from catalog import rights
from catalog.audit import AuditFilter
from catalog.records import AuditRecord, RightsRecord, WindowRecord
from configs.settings import OriginSettings
from drm.audit import AuditEntry, AuditLog, Auditor, token_name
from drm.audit_check import verify
from drm.errors import AuditUnavailable, WrongKek
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.rotation import Rotation
from drm.terms import account_of
from origin.listening import address_url, reserve
from origin.routes.speke import PATH as SPEKE
from origin.server import start
from tests.http.conftest import Origin, Watch
from tests.support import house as houses
from tests.support.house import House
from tests.support.speke_requests import WIDEVINE, request

KEY = b"k" * 32


class Failing:
    """An audit whose disk is full when it is told so."""

    def __init__(self, log: AuditLog) -> None:
        self.log = log
        self.full = False

    async def record(self, *entries: AuditEntry) -> None:
        if self.full:
            raise AuditUnavailable("catalog.db: no space left on device")
        await self.log.record(*entries)

    def begin(self, *entries: AuditEntry) -> asyncio.Future[None] | None:
        if self.full:
            raise AuditUnavailable("catalog.db: no space left on device")
        return self.log.begin(*entries)


@pytest.fixture
async def audited(house: House) -> AsyncIterator[tuple[Origin, Failing]]:
    settings = OriginSettings(port=0, shutdown_grace_s=1.0, trusted_proxies=("127.0.0.0/8",))
    with reserve("127.0.0.1", 0, shared=False) as listening:
        url, port = address_url(listening, tls=False), listening.getsockname()[1]
        async with houses.open_deps(house, settings) as opened:
            log = AuditLog(opened.catalog, KEY)
            audit = Failing(log)
            deps = replace(opened, audit=audit)
            runner = await start(deps, listening)
            async with aiohttp.ClientSession() as client:
                yield Origin(url, port, deps, house, client, runner, Watch()), audit
            await runner.cleanup()
            await log.close()


async def entries(origin: Origin) -> list[AuditRecord]:
    async with origin.deps.catalog.connect() as tx:
        found = await rows.newest(tx, AuditFilter(), 1000)
        await verify(tx, KEY)
    return [entry for entry in reversed(found) if entry.event != "chain.opened"]


async def license_(origin: Origin, token: str | None, *tiers: str, **headers: str) -> int:
    kids = [origin.house.keys[tier].kid.value for tier in tiers]
    texts = [urlsafe_b64encode(kid).rstrip(b"=").decode() for kid in kids]
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with origin.client.post(
        f"{origin.url}/license/clearkey", json={"kids": texts}, headers={**bearer, **headers}
    ) as response:
        return response.status


async def key(origin: Origin, token: str, tier: str) -> int:
    kid = origin.house.keys[tier].kid.hex
    rest = f"tracks/{houses.TRACK}/{houses.REVISION}/keys/{kid}"
    async with origin.client.get(f"{origin.url}/v1/t/{token}/{rest}") as response:
        return response.status


async def test_who_got_what_from_where_and_why(audited: tuple[Origin, Failing]) -> None:
    origin, _ = audited
    token = houses.playback_token(origin.deps, "standard")
    forwarded = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7"}
    assert await license_(origin, token, "standard", "lossless", **forwarded) == 200
    assert await key(origin, token, "standard") == 200
    licensed, keyed = await entries(origin)
    kids = {tier: origin.house.keys[tier].kid.hex for tier in ("standard", "lossless")}
    assert json.loads(licensed.what) == {
        "kids": [kids["standard"], kids["lossless"]],
        "given": [kids["standard"]],
    }
    assert (licensed.event, licensed.who) == ("license", token_name(token))
    assert (licensed.whence, licensed.why) == ("203.0.113.7", "entitled")
    assert json.loads(keyed.what) == {"kid": kids["standard"], "track": houses.TRACK}
    assert (keyed.event, keyed.whence) == ("key", "127.0.0.1")


async def test_whose_account_it_was_and_what_the_policy_said(
    audited: tuple[Origin, Failing], unknown_s: float
) -> None:
    origin, _ = audited
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=origin.access("free")) as response:
        token = (await response.json())["token"]
    assert await license_(origin, token, "standard") == 200
    assert await key(origin, token, "standard") == 200
    window = WindowRecord("DE", None, None)
    record = RightsRecord(houses.TRACK, (window,), offline=True, updated_at=datetime.now(UTC))
    async with origin.deps.catalog.begin() as tx:
        await rights.put(tx, record)
    await asyncio.sleep(unknown_s)
    assert await license_(origin, token, "standard") == 403
    assert await key(origin, token, "standard") == 403
    found = await entries(origin)
    assert [entry.why for entry in found] == ["entitled"] * 2 + ["territory-unknown"] * 2
    assert {json.loads(entry.what)["account"] for entry in found} == {account_of("listener")}


async def test_denials_with_their_reasons(audited: tuple[Origin, Failing]) -> None:
    origin, _ = audited
    free = houses.playback_token(origin.deps, "standard")
    old = houses.playback_token(origin.deps, ttl_s=-1)
    assert await license_(origin, free, "lossless") == 403
    assert await key(origin, free, "lossless") == 403
    assert await license_(origin, old, "standard") == 401
    assert await license_(origin, None, "standard") == 401
    assert await license_(origin, "x" * 40, "standard") == 401
    found = await entries(origin)
    assert {entry.event for entry in found} == {"denied"}
    assert [entry.why for entry in found] == [
        "not-entitled", "not-entitled", "token-expired", "token-missing", "token-invalid",
    ]  # fmt: skip
    assert [entry.who for entry in found[:4]] == [
        token_name(free), token_name(free), token_name(old), "nobody",
    ]  # fmt: skip


async def test_strangers_cannot_fill_the_disk(audited: tuple[Origin, Failing]) -> None:
    origin, _ = audited
    for _ in range(300):
        assert await license_(origin, "x" * 40, "standard") == 401
    origin.state.key_audit._room = 5.0
    assert await license_(origin, "x" * 40, "standard") == 401
    found = await entries(origin)
    assert 100 <= len(found) < 250
    left_out = sum(json.loads(entry.what).get("left_out", 0) for entry in found)
    assert left_out + len(found) == 301


async def test_nothing_is_given_out_that_cannot_be_recorded(
    audited: tuple[Origin, Failing],
) -> None:
    origin, audit = audited
    token = houses.playback_token(origin.deps)
    audit.full = True
    assert await license_(origin, token, "standard") == 503
    assert await key(origin, token, "standard") == 503
    audit.full = False
    assert await license_(origin, token, "standard") == 200
    assert len(await entries(origin)) == 1


async def test_players_go_on_while_the_kek_is_rotated(audited: tuple[Origin, Failing]) -> None:
    """The origin holds rows from before, and then the old version is destroyed."""
    origin, audit = audited
    token = houses.playback_token(origin.deps)
    assert await license_(origin, token, "standard", "lossless") == 200
    kek = LocalKek.open(origin.house.root / "kek.json", create=False)
    rotation = Rotation(origin.deps.catalog, Keyring(kek), Auditor(audit, "operator"))
    assert (await rotation.run()).keys == 6
    assert await license_(origin, token, "standard", "lossless") == 200
    await kek.retire(1)
    assert await license_(origin, token, "standard", "lossless") == 200
    assert await key(origin, token, "premium") == 200


async def test_a_key_in_use_is_opened_again_before_its_time(
    audited: tuple[Origin, Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, _ = audited
    token, rows = houses.playback_token(origin.deps), origin.state.key_rows
    kid = origin.house.keys["standard"].kid.value
    assert await license_(origin, token, "standard") == 200
    held = rows._rows.get(kid)
    assert held is not None
    held.key_until -= 0.3
    before = held.key_until
    assert rows.opened(kid) is not None  # and nobody waits
    await asyncio.sleep(0.01)
    assert held.key_until > before + 0.2

    async def refuse(_wrapped: object, _aad: bytes) -> bytes:
        raise WrongKek("k", 1, "it was retired")

    monkeypatch.setattr(origin.deps.keyring.kek, "unwrap", refuse)
    held.key_until -= 0.3
    assert rows.opened(kid) is not None
    await asyncio.sleep(0.05)
    assert rows.opened(kid) is None  # before its time, too


async def test_a_key_that_does_not_open_any_more_is_given_for_half_a_second_at_most(
    audited: tuple[Origin, Failing], monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, _ = audited
    token = houses.playback_token(origin.deps)
    assert await license_(origin, token, "standard") == 200
    held = origin.state.key_rows._rows.get(origin.house.keys["standard"].kid.value)
    assert held is not None
    assert "key=ContentKey(kid=" in repr(held)
    assert repr(origin.house.keys["standard"].key) not in repr(held)

    async def refuse(_wrapped: object, _aad: bytes) -> bytes:
        raise WrongKek("k", 1, "it was retired")

    monkeypatch.setattr(origin.deps.keyring.kek, "unwrap", refuse)
    held.key_until = 0.0
    assert await license_(origin, token, "standard") == 503


async def speke(origin: Origin, *scopes: str) -> tuple[int, str]:
    """Ask for two keys as a packager of another make; returns the status and the token."""
    token = origin.deps.access_tokens.mint("packager", "-", 60, scopes=scopes)
    fields = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/xml",
        "X-Speke-Version": "2.0",
        "X-Forwarded-For": "203.0.113.7",
    }
    body = request(("SD", "AUDIO"), (WIDEVINE,), content_id="film")
    async with origin.client.post(origin.url + SPEKE, data=body, headers=fields) as response:
        return response.status, token


async def test_keys_that_other_packagers_get_and_their_making(
    audited: tuple[Origin, Failing],
) -> None:
    origin, _ = audited
    status, token = await speke(origin, "speke:keys")
    assert status == 200
    *made, given = await entries(origin)
    kids = json.loads(given.what)["given"]
    assert (given.event, given.why, given.who) == ("key", "entitled", token_name(token))
    assert (given.whence, json.loads(given.what)["content"]) == ("203.0.113.7", "film")
    assert [json.loads(entry.what)["kid"] for entry in made] == kids
    assert {(entry.event, entry.why) for entry in made} == {("key.created", "speke")}
    assert {(entry.who, entry.whence) for entry in made} == {(given.who, given.whence)}
    # Asked for again, they are given again, and not made again.
    assert (await speke(origin, "speke:keys"))[0] == 200
    assert [one.event for one in await entries(origin)] == ["key.created"] * 2 + ["key"] * 2


async def test_a_packager_that_may_not_and_one_that_cannot_be_recorded(
    audited: tuple[Origin, Failing],
) -> None:
    origin, audit = audited
    status, token = await speke(origin, "something:else")
    assert status == 403
    (denied,) = await entries(origin)
    assert (denied.event, denied.why, denied.who) == ("denied", "scope-missing", token_name(token))
    audit.full = True
    assert (await speke(origin, "speke:keys"))[0] == 503
    # Nor was any key made that somebody could get later.
    audit.full = False
    assert (await speke(origin, "speke:keys"))[0] == 200
    found = [entry.event for entry in await entries(origin)]
    assert found == ["denied", "key.created", "key.created", "key"]

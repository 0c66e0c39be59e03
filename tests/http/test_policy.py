"""Every rule of the policy at every endpoint, over a real socket: each refusal and its reason."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from catalog import rights
from catalog.publish import embargo, unpublish
from catalog.records import RightsRecord, WindowRecord
from configs.settings import OriginSettings
from drm.model import PlaybackToken, Stream
from drm.playback_token import PlaybackTokens
from drm.terms import account_of
from drm.token_keys import SigningKeys
from scripts.fuzz import policy_http
from tests.http.conftest import Origin
from tests.support import free_listener
from tests.support import house as houses

ENDPOINTS = ("manifest", "segment", "key", "license")
GRANTED = "granted"
HOUR = timedelta(hours=1)


@pytest.fixture
def settings() -> OriginSettings:
    return OriginSettings(
        port=0,
        shutdown_grace_s=1.0,
        trusted_proxies=("127.0.0.1",),
        country_header="X-Country",
    )


@pytest.fixture
def terms() -> dict[str, Any]:
    return {"streams": {"free": 1, "premium": 2}, "stream_ttl_s": 60}


def token(origin: Origin, *tiers: str, tokens: PlaybackTokens | None = None, **more: Any) -> str:
    """A playback token for these tiers (none: all) of the track; `more` are its other fields."""
    now = datetime.now(UTC).replace(microsecond=0)
    said = {"scope": f"tracks/{houses.TRACK}/", "expires_at": now + HOUR, **more}
    made = PlaybackToken(tiers=tiers or houses.TIERS.order, **said)
    return (tokens or origin.deps.playback_tokens).issue(made)


async def ask(
    origin: Origin, endpoint: str, text: str, *, tier: str = "premium", country: str | None = None
) -> str:
    """What the endpoint says to the token's bearer: "granted", or status and reason."""
    fields = {} if country is None else {"X-Country": country}
    kid = origin.house.keys[tier].kid.value
    base = f"{origin.url}/v1/t/{text}/tracks/{houses.TRACK}/{houses.REVISION}/"
    name = next(one.name for one in origin.house.package.renditions if one.tier == tier)
    data = None
    match endpoint:
        case "manifest":
            url = f"{base}{tier}/hls/multivariant.m3u8"
        case "segment":
            url = f"{base}{name}/1.m4s"
        case "key":
            url = f"{base}keys/{kid.hex()}"
        case _:
            url = f"{origin.url}/license/clearkey"
            fields["Authorization"] = f"Bearer {text}"
            data = json.dumps({"kids": [urlsafe_b64encode(kid).rstrip(b"=").decode()]})
    method = "GET" if data is None else "POST"
    async with origin.client.request(method, url, headers=fields, data=data) as response:
        return await outcome(response)


async def outcome(response: aiohttp.ClientResponse) -> str:
    body = await response.read()
    if response.status == 200:
        return GRANTED
    assert response.content_type == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == response.status
    assert problem["type"] == f"urn:headwater:problem:{problem['reason']}"
    if response.status != 404:
        assert response.headers["Cache-Control"] == "no-store"
    return f"{response.status} {problem['reason']}"


async def put_rights(origin: Origin, *windows: WindowRecord, owner: str = houses.TRACK) -> None:
    record = RightsRecord(owner, windows, offline=True, updated_at=datetime.now(UTC))
    async with origin.deps.catalog.begin() as tx:
        await rights.put(tx, record)


async def only_in_germany(origin: Origin) -> None:
    await put_rights(origin, WindowRecord("DE", None, None))


async def not_yet(origin: Origin) -> None:
    await put_rights(origin, WindowRecord("*", datetime.now(UTC) + HOUR, None))


async def no_more(origin: Origin) -> None:
    await put_rights(origin, WindowRecord("*", None, datetime.now(UTC) - HOUR))


async def taken_down(origin: Origin) -> None:
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))


async def embargoed(origin: Origin) -> None:
    async with origin.deps.catalog.begin() as tx:
        await embargo(tx, houses.TRACK, datetime.now(UTC) + HOUR, datetime.now(UTC))


async def a_stream_runs(origin: Origin) -> None:
    stream = Stream(account_of("ada"), "running-1234")
    assert await origin.state.streams.keep(stream, 1) == 0


def of_free_account(origin: Origin) -> str:
    policy = origin.state.terms.policy("free")
    return token(origin, stream=Stream(account_of("ada"), "another-1234"), policy=policy)


def unsigned(_: Origin) -> str:
    """A JWT that says all that is wanted, with `alg: none`."""
    parts = ({"alg": "none", "typ": "at+jwt"}, {"sub": "ada", "subscription": "premium"})
    return (
        ".".join(urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)
        + ".A"
    )


def foreign_key(origin: Origin) -> str:
    return token(origin, tokens=PlaybackTokens(SigningKeys("zz", {"zz": bytes(32)})))


def our_key_id_with_another_key(origin: Origin) -> str:
    ours = token(origin).split(".")[1]
    return token(origin, tokens=PlaybackTokens(SigningKeys(ours, {ours: bytes(32)})))


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is wrong: with the catalog, the token or the place; and what is said."""

    name: str
    said: tuple[str, str, str, str]  # by manifest, segment, key and license
    token: Callable[[Origin], str] = token
    before: Callable[[Origin], Awaitable[None]] | None = None
    country: str | None = None


def everywhere(reason: str) -> tuple[str, str, str, str]:
    return (reason, reason, reason, reason)


def but_segments(reason: str) -> tuple[str, str, str, str]:
    """Of what binds where keys are: a segment's token is good, and the segment no use."""
    return (reason, GRANTED, reason, reason)


CASES = [
    Case("nothing", everywhere(GRANTED)),
    Case(
        "tier",
        ("403 tier-not-open", "403 tier-not-open", "403 not-entitled", "403 not-entitled"),
        lambda origin: token(origin, "standard"),
    ),
    Case(
        "no tiers",
        ("403 tier-not-open", "403 tier-not-open", "403 tier-not-open", "403 not-entitled"),
        lambda origin: origin.deps.playback_tokens.issue(
            PlaybackToken(f"tracks/{houses.TRACK}/", (), datetime(2099, 1, 1, tzinfo=UTC))
        ),
    ),
    Case(
        "replayed for another track",
        ("403 wrong-scope", "403 wrong-scope", "403 wrong-scope", "403 not-entitled"),
        lambda origin: token(origin, scope=f"tracks/{houses.OTHER_TRACK}/"),
    ),
    Case(
        "replayed for another release",
        ("403 wrong-scope", "403 wrong-scope", "403 wrong-scope", "403 not-entitled"),
        lambda origin: token(origin, scope=f"releases/r{'d5' * 10}/"),
    ),
    Case(
        "of covers",
        ("403 wrong-scope", "403 wrong-scope", "403 wrong-scope", "403 not-entitled"),
        lambda origin: token(origin, scope="covers/"),
    ),
    Case("right territory", everywhere(GRANTED), before=only_in_germany, country="de"),
    Case(
        "territory",
        but_segments("403 territory-not-licensed"),
        before=only_in_germany,
        country="FR",
    ),
    Case("unknown territory", but_segments("403 territory-unknown"), before=only_in_germany),
    Case("no country", but_segments("403 territory-unknown"), before=only_in_germany, country="T1"),
    Case("window to come", but_segments("403 window-not-open"), before=not_yet),
    Case("window over", but_segments("403 window-over"), before=no_more),
    Case(
        "taken down",
        ("404 track-unavailable", GRANTED, "404 track-unavailable", "403 track-unavailable"),
        before=taken_down,
    ),
    Case(
        "embargoed",
        ("404 track-unavailable", GRANTED, "404 track-unavailable", "403 track-unavailable"),
        before=embargoed,
    ),
    Case(
        "too many streams",
        but_segments("403 too-many-streams"),
        of_free_account,
        before=a_stream_runs,
    ),
    Case("the only stream", everywhere(GRANTED), of_free_account),
    Case(
        "terms of yesterday",
        but_segments("403 policy-changed"),
        lambda origin: token(origin, policy="AAAAAAAA"),
    ),
    Case(
        "expired",
        everywhere("401 token-expired"),
        lambda origin: token(origin, expires_at=datetime(2026, 1, 1, tzinfo=UTC)),
    ),
    Case("alg none", everywhere("401 token-invalid"), unsigned),
    Case("foreign kid", everywhere("401 token-invalid"), foreign_key),
    Case("foreign key", everywhere("401 token-invalid"), our_key_id_with_another_key),
    Case(
        "an access token",
        everywhere("401 token-invalid"),
        lambda origin: origin.deps.access_tokens.mint("ada", "premium", 60),
    ),
    Case(
        "a token of the form before",
        everywhere("401 token-invalid"),
        lambda origin: "1." + ".".join((*token(origin).split(".")[1:4], "tracks~", "A" * 43)),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
async def test_what_is_wrong_is_refused_with_its_reason(origin: Origin, case: Case) -> None:
    if case.before is not None:
        await case.before(origin)
    good = token(origin)
    for endpoint in ENDPOINTS:  # a reply that is remembered for one is none for another
        await ask(origin, endpoint, good, country="DE")
    text = case.token(origin)
    for _ in range(2):
        said = tuple(
            [await ask(origin, endpoint, text, country=case.country) for endpoint in ENDPOINTS]
        )
        assert said == case.said


async def test_no_token_at_all(origin: Origin) -> None:
    async with origin.client.post(f"{origin.url}/license/clearkey", data="{}") as response:
        assert await outcome(response) == "401 token-missing"


async def raw(
    origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, str]:
    """Status and reason of a request that no client would send."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(
        line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line
    )
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    status = int(head.split()[1])
    is_problem = fields.get("content-type") == "application/problem+json"
    return status, json.loads(body)["reason"] if is_problem else ""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_bit_of_a_token_flipped_in_turn(origin: Origin, endpoint: str) -> None:
    """None is let in; where the text could still be a token, it is told that it is not ours."""
    text = token(origin, stream=Stream("A" * 16, "b" * 12), policy="AAAAAAAA", territory="DE")
    plain = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-")
    kid = origin.house.keys["premium"].kid.value
    body = json.dumps({"kids": [urlsafe_b64encode(kid).rstrip(b"=").decode()]}).encode()
    rest = {
        "manifest": b"premium/hls/multivariant.m3u8",
        "segment": b"aac-320k/1.m4s",
        "key": b"keys/" + kid.hex().encode(),
    }.get(endpoint, b"")
    place = f"/tracks/{houses.TRACK}/{houses.REVISION}/".encode()
    refused = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    for bit in range(len(text) * 8):
        flipped = bytearray(text.encode())
        flipped[bit // 8] ^= 1 << bit % 8
        if endpoint == "license":
            request = (
                b"POST /license/clearkey HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer "
                + flipped
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )
        else:
            request = b"GET /v1/t/" + flipped + place + rest + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        status, reason = await raw(origin, reader, writer, request)
        assert status in {400, 401, 404}, flipped
        if set(flipped) <= plain:
            assert (status, reason) == (401, "token-invalid"), flipped
            refused += 1
        if status == 400:  # no HTTP any more: the server hangs up
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
    writer.close()
    await writer.wait_closed()
    assert refused > 400


async def test_a_free_listener_gets_no_key_of_another_tier(origin: Origin) -> None:
    """The short form of `scripts/fuzz/policy`."""
    target = await free_listener.target(origin.url, origin.deps, origin.house)
    answers, failures = await policy_http.attack(target, 500, seed=0)
    assert failures == []
    assert {"200", "401 token-invalid", "403 not-entitled", "403 tier-not-open"} <= set(answers)

"""The ClearKey license endpoint. W3C Encrypted Media Extensions, 9.1."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from catalog import keys
from catalog.publish import unpublish
from tests.http.conftest import Origin
from tests.support import house as houses


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def body(origin: Origin, *tiers: str) -> bytes:
    kids = [encode(origin.house.keys[tier].kid.value) for tier in tiers]
    return json.dumps({"kids": kids, "type": "temporary"}).encode()


async def ask(
    origin: Origin, data: bytes, *tiers: str, content_type: str | None = "application/json"
) -> tuple[int, dict[str, object]]:
    token = houses.playback_token(origin.deps, *tiers)
    headers = {"Authorization": f"Bearer {token}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    url = f"{origin.url}/license/clearkey"
    skip = ["Content-Type"] if content_type is None else []
    async with origin.client.post(
        url, data=data, headers=headers, skip_auto_headers=skip
    ) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        return response.status, await response.json(content_type=None)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/octet-stream", "text/plain", None]
)
async def test_the_keys_of_the_tiers_whatever_the_content_type(
    origin: Origin, content_type: str | None
) -> None:
    status, answer = await ask(
        origin, body(origin, "standard", "lossless"), content_type=content_type
    )
    assert status == 200
    assert answer["type"] == "temporary"
    given = answer["keys"]
    assert isinstance(given, list)
    expected = {
        key.kid.value: key.key
        for tier, key in origin.house.keys.items()
        if tier in {"standard", "lossless"}
    }
    assert {decode(key["kid"]): decode(key["k"]) for key in given} == expected
    assert all(set(key) == {"kty", "kid", "k"} and key["kty"] == "oct" for key in given)


async def test_only_granted_keys_are_returned(origin: Origin) -> None:
    status, answer = await ask(origin, body(origin, "standard", "lossless"), "standard")
    given = answer["keys"]
    assert status == 200
    assert isinstance(given, list)
    assert [decode(key["kid"]) for key in given] == [origin.house.keys["standard"].kid.value]


async def test_unknown_foreign_and_forbidden_keys_look_the_same(origin: Origin) -> None:
    async with origin.deps.catalog.connect() as tx:
        foreign = (await keys.for_revision(tx, houses.OTHER_TRACK, houses.REVISION))[0].kid
    unknown = json.dumps({"kids": [encode(bytes(16))]}).encode()
    others = json.dumps({"kids": [encode(foreign)]}).encode()
    answers = [
        await ask(origin, data, "standard") for data in (body(origin, "lossless"), unknown, others)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 403
    assert answers[0][1]["reason"] == "not-entitled"


async def test_the_url_of_the_playback_answer_carries_its_own_token(origin: Origin) -> None:
    token = houses.playback_token(origin.deps)
    url = f"{origin.url}/license/clearkey?token={token}"
    async with origin.client.post(url, data=body(origin, "premium")) as response:
        assert response.status == 200


async def test_no_token_a_bad_one_and_an_old_one(origin: Origin) -> None:
    url = f"{origin.url}/license/clearkey"
    old = houses.playback_token(origin.deps, ttl_s=-1)
    access = origin.deps.access_tokens.mint("listener", "premium", 60)
    for token, reason in (
        ("", "token-missing"),
        ("x", "token-invalid"),
        (access, "token-invalid"),
        (old, "token-expired"),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with origin.client.post(
            url, data=body(origin, "standard"), headers=headers
        ) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
            assert (await response.json(content_type=None))["reason"] == reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"kids":[]}',
        b'{"kids":["short"]}',
        b'{"kids":[1]}',
        b"\xff\xfe",
        b'{"kids":["AAAAAAAAAAAAAAAAAAAAAA"],"type":"persistent"}',
        b'{"kids":["AAAAAAAAAAAAAAAAAAAAAA"],"type":["temporary"]}',
        b"[" * 5000,
    ],
)
async def test_malformed_requests(origin: Origin, data: bytes) -> None:
    status, answer = await ask(origin, data)
    assert (status, answer["reason"]) == (400, "malformed-request")


async def test_a_license_to_keep_is_the_policys_to_give(origin: Origin) -> None:
    asked = json.loads(body(origin, "standard")) | {"type": "persistent-license"}
    status, answer = await ask(origin, json.dumps(asked).encode())
    assert (status, answer["reason"]) == (403, "offline-not-allowed")
    # Nor does it tell of keys that are somebody else's.
    asked["kids"] = [encode(bytes(16))]
    status, answer = await ask(origin, json.dumps(asked).encode())
    assert (status, answer["reason"]) == (403, "not-entitled")


async def test_large_and_compressed_bodies_are_refused(origin: Origin) -> None:
    token = houses.playback_token(origin.deps)
    url = f"{origin.url}/license/clearkey?token={token}"
    async with origin.client.post(url, data=b" " * 8193) as response:
        assert response.status == 413

    async def endless() -> object:
        for _ in range(100):
            yield b" " * 1000

    async with origin.client.post(url, data=endless()) as response:
        assert response.status == 413
    async with origin.client.post(url, data=b"x", headers={"Content-Encoding": "gzip"}) as response:
        assert response.status == 415


async def test_a_track_that_was_taken_down_has_no_keys(origin: Origin) -> None:
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))
    status, _ = await ask(origin, body(origin, "standard"))
    assert status == 403


async def test_the_preflight_of_any_page(origin: Origin) -> None:
    url = f"{origin.url}/license/clearkey"
    async with origin.client.options(url) as response:
        assert response.status == 204
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]
    async with origin.client.get(url) as response:
        assert response.status == 405
        assert "POST" in response.headers["Allow"]
        assert response.headers["Access-Control-Allow-Origin"] == "*"

"""Licenses of other vendors' key systems, over sockets: from a device's request to a vendor of
our own that believes nothing unsigned, and back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from catalog import audit as rows
from catalog import keys, rights
from catalog.audit import AuditFilter
from catalog.publish import unpublish
from catalog.records import RightsRecord, WindowRecord
from configs.settings import OriginSettings
from drm.audit import AuditLog
from drm.vendors import (
    AxinomMessages,
    Breaker,
    GoogleWidevine,
    LicenseProxy,
    LicenseServers,
    LicenseVendor,
    UserTokens,
)
from origin.listening import address_url, reserve
from origin.outbound import OutboundClient
from origin.server import start
from packager.model import Kid
from tests.http.conftest import Origin, Watch
from tests.support import house as houses
from tests.support import license_vendor as vendors
from tests.support.certificates import rsa_pair
from tests.support.house import House
from tests.support.license_challenges import (
    CERTIFICATE_REQUEST,
    fairplay_challenge,
    playready_challenge,
    widevine_challenge,
    widevine_renewal,
)

PAUSE_S = 0.2
SYSTEMS = ("widevine", "playready", "fairplay")


def servers(
    http: OutboundClient, url: str, google_key: bytes = vendors.GOOGLE_KEY
) -> LicenseServers:
    def proxy(vendor: LicenseVendor, path: str) -> LicenseProxy:
        breaker = Breaker(failures=3, pause_s=PAUSE_S)
        return LicenseProxy(http, vendor, f"{url}/{path}", breaker, timeout_s=0.5)

    google = GoogleWidevine(vendors.PROVIDER, google_key, vendors.GOOGLE_IV)
    return LicenseServers(
        widevine=proxy(google, "google"),
        playready=proxy(AxinomMessages(vendors.AXINOM_KEY_ID, vendors.AXINOM_KEY), "axinom"),
        fairplay=proxy(UserTokens(vendors.TOKEN_KEY), "token"),
        fairplay_certificate=rsa_pair().der,
    )


@pytest.fixture
async def vendor() -> AsyncIterator[vendors.LicenseVendor]:
    async with vendors.LicenseVendor().running() as running:
        yield running


@pytest.fixture
async def origin(house: House, vendor: vendors.LicenseVendor) -> AsyncIterator[Origin]:
    settings = OriginSettings(port=0, shutdown_grace_s=1.0)
    with reserve("127.0.0.1", 0, shared=False) as listening:
        url, port = address_url(listening, tls=False), listening.getsockname()[1]
        async with (
            houses.open_deps(house, settings) as opened,
            OutboundClient() as http,
            aiohttp.ClientSession() as client,
        ):
            log = AuditLog(opened.catalog, b"k" * 32)
            licenses = servers(http, vendor.url)
            deps = replace(opened, audit=log, licenses=licenses, offline=("premium",))
            runner = await start(deps, listening)
            yield Origin(url, port, deps, house, client, runner, Watch())
            await runner.cleanup()
            await log.close()


def kid(origin: Origin, tier: str) -> Kid:
    return origin.house.keys[tier].kid


def challenge(origin: Origin, system: str, *tiers: str) -> bytes:
    return challenge_for(system, *(kid(origin, tier) for tier in tiers))


def challenge_for(system: str, *kids: Kid) -> bytes:
    if system == "widevine":
        return widevine_challenge(kids)
    return playready_challenge(kids) if system == "playready" else fairplay_challenge()


async def post(
    origin: Origin, path: str, body: bytes, *tiers: str, token: str | None = None
) -> tuple[int, bytes, str]:
    """Status, body and reason."""
    text = houses.playback_token(origin.deps, *tiers) if token is None else token
    headers = {"Authorization": f"Bearer {text}"} if text else {}
    async with origin.client.post(
        f"{origin.url}/license/{path}", data=body, headers=headers
    ) as response:
        data = await response.read()
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        if response.status == 503:
            assert response.headers["Retry-After"] == "1"
        if response.status != 200:
            assert response.content_type == "application/problem+json"
            return response.status, data, json.loads(data)["reason"]
        assert response.headers["Cache-Control"] == "no-store"
        return 200, data, ""


def told(vendor: vendors.LicenseVendor) -> set[Kid]:
    """The keys that the vendor was told it may give."""
    seen = json.loads(json.dumps(vendor.seen))
    if "content_key_specs" in seen:
        return {Kid(b64decode(one["key_id"])) for one in seen["content_key_specs"]}
    if "message" in seen:
        inline = seen["message"]["content_keys_source"]["inline"]
        return {Kid.parse(one["id"]) for one in inline}
    return {Kid.parse(one) for one in seen.get("kid", [])}


async def entries(origin: Origin) -> list[tuple[str, str, dict[str, object]]]:
    async with origin.deps.catalog.connect() as tx:
        found = await rows.newest(tx, AuditFilter(), 100)
    return [
        (one.event, one.why, json.loads(one.what))
        for one in reversed(found)
        if one.event != "chain.opened"
    ]


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_license_comes_back_untouched(
    origin: Origin, vendor: vendors.LicenseVendor, system: str
) -> None:
    body = challenge(origin, system, "standard", "premium")
    status, data, _ = await post(origin, system, body, "standard", "premium")
    assert status == 200
    assert data == vendors.LICENSE + hashlib.sha256(body).digest()
    assert vendor.challenge == body
    given = {kid(origin, "standard"), kid(origin, "premium")}
    assert told(vendor) == given
    ((event, why, what),) = await entries(origin)
    assert (event, why, what["system"]) == ("license", "entitled", system)
    assert isinstance(what["given"], list)
    assert set(what["given"]) == {one.hex for one in given}


async def test_googles_service_gets_our_keys(origin: Origin, vendor: vendors.LicenseVendor) -> None:
    await post(origin, "widevine", challenge(origin, "widevine", "lossless"))
    specs = vendor.seen["content_key_specs"]
    assert isinstance(specs, list)
    assert b64decode(specs[0]["key"]) == origin.house.keys["lossless"].key
    assert b64decode(str(vendor.seen["content_id"])).decode() == houses.TRACK


@pytest.mark.parametrize("system", ["widevine", "playready"])
async def test_only_what_the_token_opens_may_be_given(
    origin: Origin, vendor: vendors.LicenseVendor, system: str
) -> None:
    body = challenge(origin, system, "standard", "lossless")
    status, _, _ = await post(origin, system, body, "standard")
    assert status == 200
    assert told(vendor) == {kid(origin, "standard")}
    async with origin.deps.catalog.connect() as tx:
        foreign = (await keys.for_revision(tx, houses.OTHER_TRACK, houses.REVISION))[0].kid
    asked = vendor.asked
    for body in (
        challenge(origin, system, "lossless"),
        challenge_for(system, Kid(foreign)),
        challenge_for(system, Kid(bytes(16))),
    ):
        status, _, reason = await post(origin, system, body, "standard")
        assert (status, reason) == (403, "not-entitled")
    assert vendor.asked == asked
    assert [why for _, why, _ in await entries(origin)] == ["entitled"] + ["not-entitled"] * 3


async def test_a_free_listener_has_no_other_tiers_key_by_any_request(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    rng = random.Random(7)
    token = await subscribers(origin, "free")
    async with origin.deps.catalog.connect() as tx:
        others = await keys.for_revision(tx, houses.OTHER_TRACK, houses.REVISION)
    known = [*(key.kid for key in origin.house.keys.values()), *(Kid(one.kid) for one in others)]
    given = 0
    for _ in range(300):
        some = rng.sample(known, rng.randint(0, len(known)))
        body = rng.choice(
            (
                widevine_challenge(some, offline=rng.random() < 0.2),
                playready_challenge(some),
                fairplay_challenge(),
                widevine_renewal(),
            )
        )
        system = rng.choice(SYSTEMS)
        query = ",".join(one.hex for one in rng.sample(known, rng.randint(0, 3)))
        vendor.seen = {}
        status, _, _ = await post(origin, f"{system}?kid={query}", body, token=token)
        assert status in {200, 400, 403}
        assert told(vendor) <= {kid(origin, "standard")}
        given += status == 200
    assert given > 30


async def test_a_request_that_names_no_key(origin: Origin, vendor: vendors.LicenseVendor) -> None:
    """FairPlay's is encrypted: the keys are those of the URL, or of the token's track and tiers."""
    for system, body in (("fairplay", fairplay_challenge()), ("widevine", widevine_renewal())):
        status, _, _ = await post(origin, system, body, "standard", "premium")
        assert status == 200
        assert told(vendor) == {kid(origin, "standard"), kid(origin, "premium")}
    one = kid(origin, "premium")
    for text in (one.hex, str(one), f"{one.hex},{kid(origin, 'lossless').hex}"):
        status, _, _ = await post(
            origin, f"fairplay?kid={text}", fairplay_challenge(), "standard", "premium"
        )
        assert status == 200
        assert told(vendor) == {one}
    lossless = kid(origin, "lossless").hex
    status, _, reason = await post(
        origin, f"fairplay?kid={lossless}", fairplay_challenge(), "standard"
    )
    assert (status, reason) == (403, "not-entitled")
    status, _, reason = await post(origin, "fairplay?kid=short", fairplay_challenge())
    assert (status, reason) == (400, "malformed-request")
    token = houses.playback_token(origin.deps, scope="releases/rabc/")
    status, _, reason = await post(origin, "fairplay", fairplay_challenge(), token=token)
    assert (status, reason) == (400, "malformed-request")


async def test_the_vendors_certificate_holds_no_key(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    status, _, _ = await post(origin, "widevine", CERTIFICATE_REQUEST, "standard")
    assert status == 200
    assert set(vendor.seen) == {"payload", "provider"}
    assert await entries(origin) == []
    status, _, reason = await post(origin, "widevine", CERTIFICATE_REQUEST, token="")
    assert (status, reason) == (401, "token-missing")


@pytest.mark.parametrize("system", SYSTEMS)
async def test_who_is_refused(origin: Origin, vendor: vendors.LicenseVendor, system: str) -> None:
    body = challenge(origin, system, "standard")
    old = houses.playback_token(origin.deps, ttl_s=-1)
    other = houses.playback_token(origin.deps, scope=f"tracks/{houses.OTHER_TRACK}/")
    access = origin.deps.access_tokens.mint("listener", "premium", 60)
    cases = [("", 401, "token-missing"), ("x", 401, "token-invalid"), (old, 401, "token-expired")]
    cases.append((access, 401, "token-invalid"))
    if system != "fairplay":  # there the token's own track is meant
        cases.append((other, 403, "not-entitled"))
    for token, expected, word in cases:
        status, _, reason = await post(origin, system, body, token=token)
        assert (status, reason) == (expected, word)
    status, _, reason = await post(origin, system, b'{"kids":[]}')
    assert (status, reason) == (400, "malformed-request")
    assert vendor.asked == 0
    assert [(event, why) for event, why, _ in await entries(origin)] == [
        ("denied", word) for _, _, word in cases
    ]


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_track_that_was_taken_down_has_no_licenses(
    origin: Origin, vendor: vendors.LicenseVendor, system: str
) -> None:
    async with origin.deps.catalog.begin() as tx:
        await unpublish(tx, houses.TRACK, datetime.now(UTC))
    status, _, reason = await post(origin, system, challenge(origin, system, "standard"))
    assert (status, reason) == (403, "track-unavailable")
    assert vendor.asked == 0
    assert [why for _, why, _ in await entries(origin)] == ["track-unavailable"]


async def test_no_license_outlives_the_rights(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    now = datetime.now(UTC)
    window = WindowRecord("*", None, now + timedelta(seconds=600))
    async with origin.deps.catalog.begin() as tx:
        await rights.put(tx, RightsRecord(houses.TRACK, (window,), offline=True, updated_at=now))
    await post(origin, "widevine", challenge(origin, "widevine", "standard"))
    overrides = vendor.seen["policy_overrides"]
    assert isinstance(overrides, dict)
    assert 590 <= overrides["license_duration_seconds"] <= 600


async def subscribers(origin: Origin, subscription: str) -> str:
    """The token of a playback answer."""
    url = f"{origin.url}/api/v1/playback/{houses.TRACK}"
    async with origin.client.post(url, headers=origin.access(subscription)) as response:
        answer = await response.json()
    return str(answer["token"])


async def test_a_license_to_keep_is_the_policys_to_give(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    body = widevine_challenge([kid(origin, "standard")], offline=True)
    for token in (None, await subscribers(origin, "free")):
        status, _, reason = await post(origin, "widevine", body, token=token)
        assert (status, reason) == (403, "offline-not-allowed")
    assert vendor.asked == 0
    premium = await subscribers(origin, "premium")
    status, _, _ = await post(origin, "widevine", body, token=premium)
    assert status == 200
    overrides = vendor.seen["policy_overrides"]
    assert isinstance(overrides, dict)
    assert overrides["can_persist"] is True
    assert overrides["license_duration_seconds"] == 30 * 86400
    assert (await entries(origin))[-1][2]["offline"] is True


async def test_rights_may_forbid_keeping(origin: Origin, vendor: vendors.LicenseVendor) -> None:
    async with origin.deps.catalog.begin() as tx:
        record = RightsRecord(houses.TRACK, (), offline=False, updated_at=datetime.now(UTC))
        await rights.put(tx, record)
    premium = await subscribers(origin, "premium")
    body = widevine_challenge([kid(origin, "standard")], offline=True)
    status, _, reason = await post(origin, "widevine", body, token=premium)
    assert (status, reason) == (403, "offline-not-licensed")
    assert vendor.asked == 0
    body = widevine_challenge([kid(origin, "standard")])
    status, _, _ = await post(origin, "widevine", body, token=premium)
    assert status == 200


async def test_clear_key_gives_licenses_to_keep_by_the_same_rule(origin: Origin) -> None:
    asked = urlsafe_b64encode(kid(origin, "standard").value).rstrip(b"=").decode()
    body = json.dumps({"kids": [asked], "type": "persistent-license"}).encode()
    status, _, reason = await post(
        origin, "clearkey", body, token=await subscribers(origin, "free")
    )
    assert (status, reason) == (403, "offline-not-allowed")
    premium = await subscribers(origin, "premium")
    status, data, _ = await post(origin, "clearkey", body, token=premium)
    assert (status, json.loads(data)["type"]) == (200, "persistent-license")


async def test_a_vendor_that_is_away_is_left_alone_and_tried_again(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    body = challenge(origin, "widevine", "standard")
    vendor.status = 503
    for _ in range(6):
        status, _, reason = await post(origin, "widevine", body)
        assert (status, reason) == (503, "vendor-unavailable")
    assert vendor.asked == 3
    vendor.status = 200
    status, _, _ = await post(origin, "playready", challenge(origin, "playready", "standard"))
    assert status == 200  # the others are not the same vendor
    await asyncio.sleep(PAUSE_S)
    status, _, _ = await post(origin, "widevine", body)
    assert status == 200
    assert [event for event, _, _ in await entries(origin)] == ["license", "license"]


async def test_a_vendor_that_is_slow(origin: Origin, vendor: vendors.LicenseVendor) -> None:
    vendor.hold = asyncio.Event()
    body = challenge(origin, "playready", "standard")
    status, _, reason = await post(origin, "playready", body)
    assert (status, reason) == (503, "vendor-unavailable")


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
async def test_a_vendor_that_gives_no_license(
    origin: Origin, vendor: vendors.LicenseVendor, status: int
) -> None:
    vendor.status, vendor.body = status, b"secret reason"
    for system in SYSTEMS:
        for _ in range(4):  # that is an answer: nobody is left alone for it
            found, data, reason = await post(origin, system, challenge(origin, system, "standard"))
            assert (found, reason) == (502, "vendor-refused")
            assert b"secret" not in data
    assert vendor.asked == 12
    assert await entries(origin) == []


async def test_playready_says_no_by_soap(origin: Origin, vendor: vendors.LicenseVendor) -> None:
    vendor.status = 500
    vendor.body = (
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        b"<soap:Fault><faultcode>soap:Server</faultcode></soap:Fault></soap:Body></soap:Envelope>"
    )
    for _ in range(5):
        status, _, reason = await post(
            origin, "playready", challenge(origin, "playready", "standard")
        )
        assert (status, reason) == (502, "vendor-refused")
    assert vendor.asked == 5


async def test_a_vendor_that_does_not_believe_us(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    async with OutboundClient() as http:
        wrong = servers(http, vendor.url, google_key=secrets.token_bytes(32))
        origin.state.deps = replace(origin.state.deps, licenses=wrong)
        status, _, reason = await post(
            origin, "widevine", challenge(origin, "widevine", "standard")
        )
    assert (status, reason) == (502, "vendor-refused")
    assert vendor.seen == {}


async def test_key_systems_that_are_not_in_the_settings(origin: Origin) -> None:
    origin.state.deps = replace(origin.state.deps, licenses=LicenseServers())
    for system in SYSTEMS:
        status, _, reason = await post(origin, system, challenge(origin, system, "standard"))
        assert (status, reason) == (404, "key-system-not-served")
    async with origin.client.get(f"{origin.url}/license/fairplay/certificate") as response:
        assert response.status == 404


async def test_the_fairplay_certificate_is_for_everybody(origin: Origin) -> None:
    async with origin.client.get(f"{origin.url}/license/fairplay/certificate") as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert await response.read() == rsa_pair().der


async def test_large_requests_and_preflights(origin: Origin) -> None:
    status, _, reason = await post(origin, "widevine", bytes((64 << 10) + 1))
    assert (status, reason) == (413, "body-too-large")
    async with origin.client.options(f"{origin.url}/license/playready") as response:
        assert response.status == 204
        assert "SOAPAction" in response.headers["Access-Control-Allow-Headers"]
    async with origin.client.get(f"{origin.url}/license/playready") as response:
        assert response.status == 405


async def test_the_playback_answer_says_where_licenses_are(
    origin: Origin, vendor: vendors.LicenseVendor
) -> None:
    for path in (houses.TRACK, f"releases/{houses.RELEASE}"):
        url = f"{origin.url}/api/v1/playback/{path}"
        async with origin.client.post(url, headers=origin.access()) as response:
            answer = await response.json()
        assert set(answer["licenses"]) == {
            "org.w3.clearkey",
            "com.widevine.alpha",
            "com.microsoft.playready",
            "com.apple.fps",
        }
        assert answer["licenses"]["org.w3.clearkey"] == answer["license"]
        assert answer["fairplay_certificate"].endswith("/license/fairplay/certificate")
        body = challenge(origin, "widevine", "standard")
        async with origin.client.post(
            answer["licenses"]["com.widevine.alpha"], data=body
        ) as response:
            assert response.status == 200
    assert vendor.asked == 2

"""What vendors are sent, word by word, and what is taken for a license."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime

import jwt
import pytest

from drm.challenges import Challenge, playready
from drm.http_client import HttpAnswer
from drm.model import ContentKey
from drm.vendors import (
    AxinomMessages,
    GoogleWidevine,
    LicenseGrant,
    LicenseVendor,
    UserTokens,
    VendorRefused,
    VendorRequest,
    certificate_der,
)
from packager.model import Kid
from tests.support.certificates import rsa_pair
from tests.support.license_challenges import playready_challenge
from tests.support.license_vendor import (
    AXINOM_KEY,
    AXINOM_KEY_ID,
    GOOGLE_IV,
    GOOGLE_KEY,
    PROVIDER,
    TOKEN_KEY,
    signed,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KID = Kid.parse("9eb4050d-e44b-4802-932e-27d75083e266")
KEY = ContentKey(KID, bytes(range(16)), bytes(range(16, 32)))
CENC_KEY = ContentKey(Kid(b"\x01" * 16), bytes(16), bytes(8))
GRANT = LicenseGrant((KEY, CENC_KEY), "track", 3600)
CHALLENGE = Challenge(b"\x08\x01challenge\xff")
GOOGLE = GoogleWidevine(PROVIDER, GOOGLE_KEY, GOOGLE_IV)
AXINOM = AxinomMessages(AXINOM_KEY_ID, AXINOM_KEY)
TOKENS = UserTokens(TOKEN_KEY)
_LAX: jwt.types.Options = {"verify_exp": False}


def _message(asked: VendorRequest) -> dict[str, object]:
    outer = json.loads(asked.body)
    text = b64decode(outer["request"])
    assert signed(text, b64decode(outer["signature"]))
    assert (outer["signer"], set(outer)) == (PROVIDER, {"request", "signature", "signer"})
    message: dict[str, object] = json.loads(text)
    return message


def test_google_gets_a_signed_message_with_the_keys() -> None:
    asked = GOOGLE.request(CHALLENGE, GRANT, NOW)
    assert asked.headers["Content-Type"] == "application/json"
    assert _message(asked) == {
        "payload": b64encode(CHALLENGE.body).decode(),
        "provider": PROVIDER,
        "content_id": b64encode(b"track").decode(),
        "content_key_specs": [
            {
                "key_id": b64encode(key.kid.value).decode(),
                "key": b64encode(key.key).decode(),
                "security_level": 1,
            }
            for key in GRANT.keys
        ],
        "use_policy_overrides_exclusively": True,
        "policy_overrides": {
            "can_play": True,
            "can_persist": False,
            "can_renew": False,
            "license_duration_seconds": 3600,
        },
    }


def test_googles_certificate_is_asked_for_without_keys() -> None:
    asked = GOOGLE.request(Challenge(b"\x08\x04"), LicenseGrant((), "", 60), NOW)
    assert _message(asked) == {"payload": "CAQ=", "provider": PROVIDER}


def test_the_signature_is_that_of_the_published_formula() -> None:
    """AES-256-CBC of SHA-1, as OpenSSL writes it."""
    expected = "Ey8TnlQ/3sqy3ITkdamvmCr4lP3acLEXHXbnFR629Oc="
    assert b64encode(GOOGLE.sign(b"headwater")).decode() == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"status":"OK"}',
        b'{"status":"OK","license":""}',
        b'{"status":"OK","license":"%%%"}',
        b'{"status":"OK","license":7}',
        b'{"status":"SIGNATURE_FAILED","license":"AAAA"}',
        b'{"license":"AAAA"}',
    ],
)
def test_what_google_may_answer_that_is_no_license(body: bytes) -> None:
    with pytest.raises(VendorRefused):
        GOOGLE.license(HttpAnswer(200, {}, body))


def test_googles_license() -> None:
    assert GOOGLE.license(HttpAnswer(200, {}, b'{"status":"OK","license":"AAEC"}')) == b"\0\1\2"


def test_axinom_gets_the_request_and_an_entitlement_message() -> None:
    asked = AXINOM.request(CHALLENGE, GRANT, NOW)
    assert asked.body == CHALLENGE.body
    text = asked.headers["X-AxDRM-Message"]
    message = jwt.decode(text, AXINOM_KEY, algorithms=["HS256"])
    assert message.pop("id")
    assert message == {
        "version": 1,
        "begin_date": "2026-11-21T07:59:00+00:00",
        "expiration_date": "2026-11-21T08:01:00+00:00",
        "com_key_id": AXINOM_KEY_ID,
        "message": {
            "type": "entitlement_message",
            "version": 2,
            "license": {"duration": 3600, "allow_persistence": False},
            "content_keys_source": {
                "inline": [
                    {"id": str(KID), "iv": b64encode(KEY.iv).decode()},
                    {"id": str(CENC_KEY.kid)},
                ]
            },
        },
    }
    assert b64encode(KEY.key).decode() not in text


def test_a_user_token_names_the_keys() -> None:
    asked = UserTokens(TOKEN_KEY, "X-Other").request(CHALLENGE, GRANT, NOW)
    assert asked.body == CHALLENGE.body
    claims = jwt.decode(asked.headers["X-Other"], TOKEN_KEY, algorithms=["HS256"], options=_LAX)
    assert claims.pop("jti")
    issued = int(NOW.timestamp())
    assert claims == {
        "iat": issued,
        "exp": issued + 60,
        "kid": [str(KID), str(CENC_KEY.kid)],
        "duration": 3600,
    }


def test_a_license_that_is_kept() -> None:
    grant = LicenseGrant((KEY,), "track", 86400, offline=True)
    overrides = _message(GOOGLE.request(CHALLENGE, grant, NOW))["policy_overrides"]
    assert isinstance(overrides, dict)
    assert overrides["can_persist"] is True
    message = jwt.decode(
        AXINOM.request(CHALLENGE, grant, NOW).headers["X-AxDRM-Message"],
        AXINOM_KEY,
        algorithms=["HS256"],
    )
    assert message["message"]["license"]["allow_persistence"] is True


@pytest.mark.parametrize("vendor", [AXINOM, TOKENS])
def test_a_request_goes_with_the_headers_of_its_system(vendor: LicenseVendor) -> None:
    asked = vendor.request(CHALLENGE, GRANT, NOW)
    assert asked.headers["Content-Type"] == "application/octet-stream"
    asked = vendor.request(playready(playready_challenge([KID])), GRANT, NOW)
    assert asked.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert asked.headers["SOAPAction"].endswith('/AcquireLicense"')


@pytest.mark.parametrize("vendor", [AXINOM, TOKENS])
def test_their_answer_is_the_license(vendor: LicenseVendor) -> None:
    assert vendor.license(HttpAnswer(200, {}, b"CKC")) == b"CKC"
    with pytest.raises(VendorRefused):
        vendor.license(HttpAnswer(200, {}, b""))


def test_nothing_shows_a_secret() -> None:
    asked = GOOGLE.request(CHALLENGE, GRANT, NOW), AXINOM.request(CHALLENGE, GRANT, NOW)
    shown = repr((GOOGLE, AXINOM, TOKENS, GRANT, asked))
    for secret in (GOOGLE_KEY, AXINOM_KEY, TOKEN_KEY, KEY.key):
        assert repr(secret)[2:-1] not in shown
        assert b64encode(secret).decode() not in shown
        assert secret.hex() not in shown


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        GoogleWidevine(PROVIDER, bytes(16), GOOGLE_IV)
    with pytest.raises(ValueError, match="32 bytes"):
        AxinomMessages(AXINOM_KEY_ID, bytes(16))
    with pytest.raises(ValueError, match="32 bytes"):
        UserTokens(bytes(31))


def test_a_certificate_in_either_form() -> None:
    pair = rsa_pair()
    assert certificate_der(pair.der) == certificate_der(b"\n" + pair.pem) == pair.der
    for data in (b"", b"certificate", pair.der[:-1], pair.key_pem):
        with pytest.raises(ValueError):  # noqa: PT011 - the text is cryptography's
            certificate_der(data)

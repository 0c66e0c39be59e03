"""Vendors that take a device's request as it is, and our word for it in a token beside it.

Their licenses hold keys that they made themselves: `drm.key_provider: speke` at ingest.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_urlsafe
from uuid import UUID, uuid4

import jwt

from drm.challenges import Challenge
from drm.http_client import HttpAnswer
from drm.vendors.model import LicenseGrant, VendorRefused, VendorRequest

_TTL = timedelta(seconds=60)  # of a token: it is used at once
_MIN_KEY_BYTES = 32  # RFC 7518, 3.2: as many as the hash has


def _check(key: bytes) -> None:
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError(f"a vendor's signing key has at least {_MIN_KEY_BYTES} bytes")


def _sign(claims: dict[str, object], key: bytes) -> str:
    return jwt.encode(claims, key, "HS256")


def _binary(answer: HttpAnswer) -> bytes:
    if not answer.body:
        raise VendorRefused("its answer is empty")
    return answer.body


@dataclass(frozen=True, slots=True)
class AxinomMessages:
    """Axinom DRM: a License Service Message with an Entitlement Message, version 2.

    Source: docs.axinom.com, "License Service Message" and "Entitlement Message" (content keys
    source, license configuration). It denies a request for any key that is not in the message.
    """

    key_id: str  # of the communication key
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.key)

    def request(self, challenge: Challenge, grant: LicenseGrant, now: datetime) -> VendorRequest:
        """Write the message's JWT; the request stays as it is."""
        message = {
            "version": 1,
            "id": str(uuid4()),
            "begin_date": _instant(now - _TTL),  # their clock may be behind ours
            "expiration_date": _instant(now + _TTL),
            "com_key_id": self.key_id,
            "message": {
                "type": "entitlement_message",
                "version": 2,
                "license": {
                    "duration": grant.duration_s,
                    "allow_persistence": grant.offline,
                },
                "content_keys_source": {
                    "inline": [
                        {"id": str(UUID(bytes=key.kid.value)), **_constant_iv(key.iv)}
                        for key in grant.keys
                    ]
                },
            },
        }
        headers = {**challenge.headers, "X-AxDRM-Message": _sign(message, self.key)}
        return VendorRequest(headers, challenge.body)

    def license(self, answer: HttpAnswer) -> bytes:
        """The answer is the license."""
        return _binary(answer)


@dataclass(frozen=True, slots=True)
class UserTokens:
    """drm.cloud, and servers that take the like: a JWT with the KIDs and a duration, in a header.

    Source: developers.drm.cloud, "Token" (`exp`, `kid`, `duration`; `X-Drm-UserToken`).
    """

    key: bytes = field(repr=False)
    header: str = "X-Drm-UserToken"

    def __post_init__(self) -> None:
        _check(self.key)

    def request(self, challenge: Challenge, grant: LicenseGrant, now: datetime) -> VendorRequest:
        """Write the JWT; the request stays as it is."""
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iat": issued,
            "exp": issued + int(_TTL.total_seconds()),
            "jti": token_urlsafe(9),
            "kid": [str(UUID(bytes=key.kid.value)) for key in grant.keys],
            "duration": grant.duration_s,
        }
        headers = {**challenge.headers, self.header: _sign(claims, self.key)}
        return VendorRequest(headers, challenge.body)

    def license(self, answer: HttpAnswer) -> bytes:
        """The answer is the license."""
        return _binary(answer)


def _constant_iv(iv: bytes) -> dict[str, str]:
    """The IV of a `cbcs` key, which FairPlay's license carries."""
    return {"iv": b64encode(iv).decode("ascii")} if len(iv) == 16 else {}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")

"""Google's Widevine Cloud License Service, asked by a proxy of a content provider.

Source: "Widevine DRM Proxy Integration", 2.x (GetLicense API; request signing; content key
specs), and the field list of "Widevine license template overview" in Microsoft's documentation.
A message, JSON, is signed: AES-256-CBC, PKCS #7, over its SHA-1. The service takes our keys from
the message, so it needs none of its own.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA1, Hash
from cryptography.hazmat.primitives.padding import PKCS7

from drm.challenges import Challenge
from drm.http_client import HttpAnswer
from drm.vendors.model import LicenseGrant, VendorRefused, VendorRequest

_SOFTWARE_CRYPTO = 1  # the lowest `security_level`: audio plays on every device


@dataclass(frozen=True, slots=True)
class GoogleWidevine:
    """Messages of one provider. ValueError for a key or an IV of another length."""

    provider: str  # the name under which the service knows us; it signs, too
    key: bytes = field(repr=False)  # 32 bytes
    iv: bytes = field(repr=False)  # 16 bytes

    def __post_init__(self) -> None:
        if (len(self.key), len(self.iv)) != (32, 16):
            raise ValueError("a provider's signing key has 32 bytes, its IV 16")

    def request(self, challenge: Challenge, grant: LicenseGrant, now: datetime) -> VendorRequest:  # noqa: ARG002 - a vendor's form
        """Write the signed message."""
        message: dict[str, object] = {"payload": _b64(challenge.body), "provider": self.provider}
        if grant.keys:
            message |= _license(grant)
        text = json.dumps(message, separators=(",", ":")).encode()
        body = {
            "request": _b64(text),
            "signature": _b64(self.sign(text)),
            "signer": self.provider,
        }
        return VendorRequest({"Content-Type": "application/json"}, json.dumps(body).encode())

    def license(self, answer: HttpAnswer) -> bytes:
        """Take the license out of the answer's JSON."""
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise VendorRefused("its answer is not JSON")
        if document.get("status") != "OK":
            raise VendorRefused(f"status {str(document.get('status'))[:100]!r}")
        try:
            found = b64decode(document.get("license") or "", validate=True)
        except (ValueError, TypeError):
            found = b""
        if not found:
            raise VendorRefused("its answer has no license")
        return found

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, as the service checks it."""
        digest = Hash(SHA1())  # noqa: S303 - the service's format; the cipher's key makes it a MAC
        digest.update(message)
        padder = PKCS7(128).padder()
        padded = padder.update(digest.finalize()) + padder.finalize()
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(self.iv)).encryptor()
        return encryptor.update(padded) + encryptor.finalize()


def _license(grant: LicenseGrant) -> dict[str, object]:
    """What the license may hold: these keys, whatever the device asks for, and our policy only."""
    return {
        "content_id": _b64(grant.content_id.encode()),
        "content_key_specs": [
            {
                "key_id": _b64(key.kid.value),
                "key": _b64(key.key),
                "security_level": _SOFTWARE_CRYPTO,
            }
            for key in grant.keys
        ],
        "use_policy_overrides_exclusively": True,
        "policy_overrides": {
            "can_play": True,
            "can_persist": grant.offline,
            "can_renew": False,
            "license_duration_seconds": grant.duration_s,
        },
    }


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

"""A device's license request, passed on to a vendor; its answer, passed back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from drm.challenges import Challenge
from drm.http_client import HttpAnswer, HttpClient, HttpFailed
from drm.vendors.breaker import Breaker
from drm.vendors.model import (
    LicenseGrant,
    LicenseVendor,
    VendorAway,
    VendorLeftAlone,
    VendorRefused,
)

_log = logging.getLogger(__name__)

_MAX_LICENSE_BYTES = 256 << 10
_BUSY = 429


@dataclass(frozen=True, slots=True)
class LicenseProxy:
    """One key system's way to one vendor. Calls may be concurrent."""

    http: HttpClient
    vendor: LicenseVendor
    url: str
    breaker: Breaker
    timeout_s: float = 5.0

    async def license(self, challenge: Challenge, grant: LicenseGrant, now: datetime) -> bytes:
        """Get the license, as it goes to the device.

        VendorAway where there is no answer, or the vendor is being left alone; VendorRefused
        where the answer is no license.
        """
        asked = self.vendor.request(challenge, grant, now)
        if not self.breaker.enter():
            raise VendorLeftAlone
        try:
            answer = await self.http.request(
                "POST", self.url, asked.headers, asked.body, self.timeout_s
            )
        except HttpFailed as exc:
            self._failed()
            raise VendorAway(str(exc)) from exc
        except BaseException:
            self.breaker.left()
            raise
        if answer.status == _BUSY or (answer.status >= 500 and not _is_fault(answer)):
            self._failed()
            raise VendorAway(f"status {answer.status}")
        self.breaker.succeeded()
        if answer.status != 200:
            raise VendorRefused(f"status {answer.status}")
        if len(answer.body) > _MAX_LICENSE_BYTES:
            raise VendorRefused(f"its answer has more than {_MAX_LICENSE_BYTES} bytes")
        return self.vendor.license(answer)

    def _failed(self) -> None:
        was_open = self.breaker.is_open
        self.breaker.failed()
        if self.breaker.is_open and not was_open:
            _log.error("license vendor: no answers; it is left alone for a while")


@dataclass(frozen=True, slots=True)
class LicenseServers:
    """The vendors of the settings; None: licenses of that key system are not ours to get."""

    widevine: LicenseProxy | None = None
    playready: LicenseProxy | None = None
    fairplay: LicenseProxy | None = None
    # Of our FairPlay deployment, DER: what a device encrypts its request to.
    fairplay_certificate: bytes | None = field(default=None, repr=False)
    duration_s: int = 86400  # of a license for playing
    offline_duration_s: int = 30 * 86400  # of one that is kept

    def of(self, system: str) -> LicenseProxy | None:
        """The vendor of a key system, by its name: `widevine`, `playready` or `fairplay`."""
        return {
            "widevine": self.widevine,
            "playready": self.playready,
            "fairplay": self.fairplay,
        }[system]

    def systems(self) -> tuple[str, ...]:
        """The names of the key systems that have a vendor."""
        return tuple(name for name in ("widevine", "playready", "fairplay") if self.of(name))


def _is_fault(answer: HttpAnswer) -> bool:
    """PlayReady servers say no by SOAP, which has status 500 for that. SOAP 1.1, 6.2."""
    return b"Fault>" in answer.body and b"http://schemas.xmlsoap.org/soap/envelope/" in answer.body

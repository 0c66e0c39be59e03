"""What is granted, and how a vendor is told so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from drm.challenges import Challenge
from drm.errors import DrmError
from drm.http_client import HttpAnswer
from drm.model import ContentKey


@dataclass(frozen=True, slots=True)
class LicenseGrant:
    """The keys that one license may hold, and for how long."""

    keys: tuple[ContentKey, ...]  # none: for a request that is not for a license
    content_id: str  # whose keys they are: a track
    duration_s: int  # from the license's making
    offline: bool = False  # whether it may be kept


@dataclass(frozen=True, slots=True)
class VendorRequest:
    """What a vendor is sent, beside its address."""

    headers: Mapping[str, str] = field(repr=False)  # may hold a token
    body: bytes = field(repr=False)  # may hold keys


class VendorAway(DrmError):
    """The vendor does not answer, or not in time: worth another try, later."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the license vendor is away: {cause}")


class VendorLeftAlone(VendorAway):
    """The vendor has not answered for a while, and is not asked now."""

    is_logged = True

    def __init__(self) -> None:
        super().__init__("it has not answered for a while")


class VendorRefused(DrmError):
    """The vendor answers, and gives no license; its reason is for our log."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the license vendor gives no license: {cause}")


class LicenseVendor(Protocol):
    """A wire format, with our credentials in it."""

    def request(self, challenge: Challenge, grant: LicenseGrant, now: datetime) -> VendorRequest:
        """Write what the vendor wants to see of a device's request and of what is granted."""
        ...

    def license(self, answer: HttpAnswer) -> bytes:
        """Take the license, for the device, out of an answer with status 200. VendorRefused."""
        ...

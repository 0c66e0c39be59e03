"""License servers of vendors: what each wants to be told, and how it proves that we said it.

`model` has the values; `google` and `tokens` are the wire formats, pure functions of what is
granted; `proxy` sends a device's request and gives up in time; `breaker` leaves a vendor alone
that does not answer. Whether anybody is entitled is decided before, elsewhere.
"""

from drm.vendors.breaker import Breaker
from drm.vendors.fairplay import certificate_der
from drm.vendors.google import GoogleWidevine
from drm.vendors.model import LicenseGrant, LicenseVendor, VendorAway, VendorRefused, VendorRequest
from drm.vendors.proxy import LicenseProxy, LicenseServers
from drm.vendors.tokens import AxinomMessages, UserTokens

__all__ = [
    "AxinomMessages",
    "Breaker",
    "GoogleWidevine",
    "LicenseGrant",
    "LicenseProxy",
    "LicenseServers",
    "LicenseVendor",
    "UserTokens",
    "VendorAway",
    "VendorRefused",
    "VendorRequest",
    "certificate_der",
]

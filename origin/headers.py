"""Header fields that several answers share, and how long caches may keep what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs

ACCEL_REDIRECT: Final = "X-Accel-Redirect"  # nginx sends the file of that internal address
NO_STORE: Final = "no-store"
SOON_FORGOTTEN: Final = "public, max-age=2"  # stops a storm
REVALIDATED: Final = "private, no-cache"  # the caller's own, and asked for again each time
CDN_CACHE_CONTROL: Final = "CDN-Cache-Control"  # RFC 9213
SURROGATE_KEY: Final = "Surrogate-Key"
CACHE_TAG: Final = "Cache-Tag"
SERVER_TIMING: Final = "Server-Timing"


@dataclass(frozen=True, slots=True)
class Caching:
    """How long a representation may be kept: by browsers and plain caches, and by a CDN.

    RFC 9111, 5.2.2; RFC 9213: a CDN that knows its own field ignores the other. RFC 5861: stale-*.
    """

    cache_control: str
    cdn_cache_control: str

    def fields(self, tags: tuple[str, ...]) -> dict[str, str]:
        """The header fields; `tags` are the names that a purge finds the answer by."""
        fields = {
            hdrs.CACHE_CONTROL: self.cache_control,
            CDN_CACHE_CONTROL: self.cdn_cache_control,
        }
        if tags:
            fields[SURROGATE_KEY] = " ".join(tags)  # Fastly, Varnish
            fields[CACHE_TAG] = ",".join(tags)  # Cloudflare, Akamai
        return fields


_STALE = "stale-while-revalidate=86400, stale-if-error=604800"

# What a revision consists of never changes. A CDN asks once a month whether it is still there.
IMMUTABLE: Final = Caching(
    f"public, max-age=31536000, immutable, {_STALE}", f"public, max-age=2592000, {_STALE}"
)
# Manifests: a change shows within half a minute, though a CDN and then a browser keep an answer for
# their 15 s each, and not every cache says its Age. Never stale: must-revalidate (5.2.2.2).
BRIEF: Final = Caching("public, max-age=15, must-revalidate", "public, max-age=15, must-revalidate")

# Media, manifests, keys and answers may be read by any page (a token is what opens them, never
# a cookie); the second line lets players read lengths, ranges, validators and how they were served.
SHARED: Final[dict[str, str]] = {
    hdrs.SERVER: "headwater",
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: (
        "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag, RateLimit, "
        "RateLimit-Policy, Retry-After, Server-Timing, X-Cache-Status, X-Request-Id"
    ),
    "Timing-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}

# What a page may send. SOAPAction is PlayReady's; CMCD-* are the players' statistics (CTA-5004),
# where they use headers. Asked once a day; Chromium forgets after two hours in any case.
PREFLIGHT: Final[dict[str, str]] = {
    **SHARED,
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, HEAD, POST, DELETE, OPTIONS",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: (
        "Authorization, Content-Type, Range, If-Match, If-None-Match, If-Range, SOAPAction, "
        "CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status"
    ),
    hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
    hdrs.CACHE_CONTROL: "public, max-age=86400",
    hdrs.VARY: "Access-Control-Request-Method, Access-Control-Request-Headers",
}

# Sent over TLS only: RFC 6797, 7.2.
HSTS: Final = "max-age=31536000"
STRICT_TRANSPORT_SECURITY: Final = "Strict-Transport-Security"

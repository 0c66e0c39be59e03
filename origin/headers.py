"""Header fields that several answers share."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs

IMMUTABLE: Final = "public, max-age=31536000, immutable"
BRIEF: Final = "public, max-age=30"  # manifests: a takedown shows within half a minute
NO_STORE: Final = "no-store"

# Media, manifests, keys and answers may be read by any page (a token is what opens them, never
# a cookie); the second line lets players read lengths, ranges and validators.
SHARED: Final[dict[str, str]] = {
    hdrs.SERVER: "headwater",
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: (
        "Accept-Ranges, Content-Length, Content-Range, Date, ETag, Retry-After"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}

# What a page may send. SOAPAction is PlayReady's; CMCD-* are the players' statistics (CTA-5004),
# where they use headers.
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

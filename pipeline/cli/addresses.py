"""Where a running origin is reached, as far as the settings can tell."""

from __future__ import annotations

from configs.settings import OriginSettings
from pipeline.cli.output import Failure

# What a server binds to for "every address" is no address for a client.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - not bound here


def base_url(settings: OriginSettings) -> str:
    """Return the public URL, or else the server's scheme, host and port; Failure for port 0."""
    if settings.public_url:
        return settings.public_url
    if settings.port == 0:
        raise Failure("origin.port: 0 is any free port (give --origin, or set origin.public_url)")
    scheme = "https" if settings.tls_certificate else "http"
    host = _EVERYWHERE.get(settings.host, settings.host)
    return (
        f"{scheme}://[{host}]:{settings.port}"
        if ":" in host
        else (f"{scheme}://{host}:{settings.port}")
    )


def player_url(origin: str, access_token: str) -> str:
    """Address the player page with a session: a fragment never leaves the browser for a log."""
    return f"{origin.rstrip('/')}/#session={access_token}"

"""Where a player finds a track or a release: the one place that knows the shape of playback URLs.

Pure text: `headwater play` and the origin's playback answer both call it, so that they agree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

# Paths under a server's base URL; the origin routes the same ones.
TOKEN_PREFIX = "/v1/t/"  # noqa: S105 - a path, not a password
LICENSE_PATH = "/license/clearkey"
REPORTS_PATH = "/cmcd"
VENDOR_LICENSE_PATHS = {
    "widevine": "/license/widevine",
    "playready": "/license/playready",
    "fairplay": "/license/fairplay",
}
FAIRPLAY_CERTIFICATE_PATH = "/license/fairplay/certificate"
# As Encrypted Media Extensions name them, and so do players' settings.
_KEY_SYSTEMS = {
    "widevine": "com.widevine.alpha",
    "playready": "com.microsoft.playready",
    "fairplay": "com.apple.fps",
}


@dataclass(frozen=True, slots=True)
class PlaybackUrls:
    """The addresses of one track or release for one token."""

    hls: str  # multivariant playlist for hls.js and Shaka Player
    hls_identity: str  # the same for native players (RFC 8216, KEYFORMAT="identity")
    hls_aes128: str  # the same with whole segments encrypted, for players without EME
    dash: str  # MPD
    license: str  # W3C ClearKey; carries its own authorization


def playback_urls(base: str, token: str, track_id: str, revision: str, access: str) -> PlaybackUrls:
    """Build the URLs under `base` (scheme, host, perhaps a path; no trailing slash needed).

    `token` is an issued playback token and `access` is `Tiers.access` of its tiers: both are
    made of characters that need no escaping in a path or a query.
    """
    return _urls(base, token, f"tracks/{track_id}/{revision}/{access}")


def release_urls(base: str, token: str, release_id: str, edition: str, access: str) -> PlaybackUrls:
    """The same of a whole release; `edition` is of its tracks as they are now."""
    return _urls(base, token, f"releases/{release_id}/{edition}/{access}")


def files_url(base: str, token: str, track_id: str, revision: str) -> str:
    """What the URL of any other file of a track begins with: its lyrics, pictures, downloads."""
    return f"{base.rstrip('/')}{TOKEN_PREFIX}{token}/tracks/{track_id}/{revision}/"


def license_urls(base: str, token: str, systems: Collection[str]) -> dict[str, str]:
    """Where licenses are, by key system: Clear Key's, and those of `VENDOR_LICENSE_PATHS`."""
    base = base.rstrip("/")
    found = {"org.w3.clearkey": f"{base}{LICENSE_PATH}?token={token}"}
    for system, path in VENDOR_LICENSE_PATHS.items():
        if system in systems:
            found[_KEY_SYSTEMS[system]] = f"{base}{path}?token={token}"
    return found


def _urls(base: str, token: str, place: str) -> PlaybackUrls:
    base = base.rstrip("/")
    folder = f"{base}{TOKEN_PREFIX}{token}/{place}"
    return PlaybackUrls(
        hls=f"{folder}/hls/multivariant.m3u8",
        hls_identity=f"{folder}/hls-identity/multivariant.m3u8",
        hls_aes128=f"{folder}/hls-aes128/multivariant.m3u8",
        dash=f"{folder}/dash/manifest.mpd",
        license=f"{base}{LICENSE_PATH}?token={token}",
    )
